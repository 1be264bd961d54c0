// Package scan finds personal, health, payment and secret values in text,
// tables and files, and says how sure it is.
//
// It is a library of its own: it reads bytes and knows nothing of clouds,
// assets or verdicts.
//
//	s := scan.New(scan.Options{})
//	spans := s.Text([]byte("my card is 4111 1111 1111 1111"))
//
// # One pass
//
// Text runs once over the bytes. It stops only at bytes that sensitive values
// cannot do without (digits, '@', "://", '<'), eight bytes at a step; around
// such a byte it reads one token, and a table of shapes (runs of digits and
// letters with their separators) names the few entities the token could be.
// Their validators (package check) and the words nearby decide the score.
//
// # Scores
//
// A score is from 0 to 1: how far the value alone, its check digits, its form
// and the words around it speak for the type. Types whose check passes many
// random numbers (a digit modulo ten passes a tenth) need a word nearby, a
// column's name, or a column in which far more values pass than chance allows
// (Column).
//
// # What never leaves
//
// Results carry types, places, counts and reasons, never a value or a part of
// one; neither do errors.
package scan
