package behaviour

// A rank says how rare something is among what is new to anybody on a day. Where production
// is scaled, what is new to somebody is mostly what newcomers find for the first time and
// their peers have long done, and what is done again after a while: both are rare by rank,
// and neither is news. These say how much they count. They were chosen on seeds 1 to 3 of
// the made-up organisations (bench/detect), plain and scaled, of every other technique.
const (
	// ownTrust is for what the principal itself did before. It is not nothing: what was done
	// once, months ago, may still be told beside other things.
	ownTrust = 0.2
	// peerTrust is for what its peers do, of machines and newcomers. Of people it is not taken
	// off: who has stolen a colleague's session does what the job allows.
	peerTrust = 0.25
	// peerShare is on which share of their days peers do it for it to be a habit of theirs, and
	// peerDays how many of those days must be known: of a group hardly seen one day says little.
	peerShare = 0.01
	peerDays  = 30
)

// expected is how much of an item's rank is left, given who showed it before.
func (f *found) expected(kind Kind) float64 {
	switch {
	case f.mine > 0:
		return ownTrust
	case kind != Machine && !kind.newcomer():
	case f.groupOf >= peerDays && float64(f.group) >= peerShare*float64(f.groupOf):
		return peerTrust
	}
	return 1
}
