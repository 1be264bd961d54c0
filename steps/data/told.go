package data

// Told are the labels of what lies in a thing, by name, for steps that send it on or
// load it. why says why there may be more: nobody looked, or not to the end; "" where
// that is all, or where nothing lies in it.
func (w *World) Told(id string) (labels []string, why string) {
	labels = w.result.Labels(id)
	if a := w.asset(id); a == nil || !holdsData(a) {
		return labels, ""
	}
	return labels, w.unclassified(id)
}
