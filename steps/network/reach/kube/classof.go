package kube

// ClassOf is the class of a pod by its id; false if it was not read.
func (e *Engine) ClassOf(id string) (int, bool) {
	p := e.cluster.podByName[id]
	if p == nil {
		return 0, false
	}
	return e.ofPod[p], true
}
