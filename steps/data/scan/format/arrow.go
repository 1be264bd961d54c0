package format

import "io"

// arrow reads Arrow and Feather files.
func (r *reader) arrow(io.Reader) error { return problem("Arrow files are not read") }
