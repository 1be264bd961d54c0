// Package exposure knows the services that AI systems stand on, by what tells
// them, and what makes them dangerous to whoever can reach them: which ports
// they listen on, and whether callers must prove who they are.
//
// It says nothing of who can reach them: that is the step's, by reachability.
//
// Which system a container runs is told by estate/software, the one table of
// that; a Rule here says what follows for the network. Some controls
// (controls/k8s-*) ask about one setting of the same systems. A rule names that
// control, and a test holds both to one answer on the control's own cases.
//
// An answer is of three: Auth is Yes only where a setting that is there demands
// it or the system is known to; No only where nothing that was not read could
// change it; else Unknown, with what was not read.
package exposure
