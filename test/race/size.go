package race

// Size is n, or small under the race detector.
func Size(n, small int) int {
	if Enabled {
		return small
	}
	return n
}
