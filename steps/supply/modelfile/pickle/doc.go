// Package pickle reads Python pickles of every protocol without running them.
//
// A pickle is a program for a stack machine. Scan runs that program on symbols
// instead of values: it knows which global each step imports, which callable
// each step calls and with which arguments, and it knows where strings lie, but
// it never builds, imports or calls anything. Payloads are stepped over, so that
// a file of half a gigabyte of bytes costs no more than its opcodes.
//
// What a global may do is decided by a table with a reason for each entry
// (Allowed); what is not in it is a finding. The machine goes on where a real
// unpickler might stop, since a payload that already ran is not undone by a
// broken tail.
package pickle
