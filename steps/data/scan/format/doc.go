// Package format reads the values out of data files of many formats, as a
// stream, in bounded memory.
//
// Read recognises a format by its first bytes, then by the name, then by what
// the text looks like, and hands text and cells to a Sink. Compressed files,
// archives and documents made of archives are opened in place.
//
// # What could not be read
//
// A file that is damaged, cut short, larger than a limit or of a form that
// holds nothing readable gives an UnreadError, which says so in words that hold no
// value from the file. What was read until then has been handed on; the caller
// decides, and no error ends a run over many files but the context's and the
// sink's own.
package format
