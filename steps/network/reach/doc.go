// Package reach holds what the engines of network reachability share: sets of
// addresses, sets of ports of any protocol, sets of classes, and the three
// answers. The engines lie in the folders below it (Kubernetes in kube, AWS in
// aws); each is a library of its own and imports nothing else of ours.
//
// All sets are values: an operation returns a new set and leaves its operands
// as they were, so sets can be shared freely between goroutines. Bits is the
// one exception and says so.
package reach
