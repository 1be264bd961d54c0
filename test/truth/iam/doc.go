// Package truth holds what is known about AWS permissions from elsewhere than
// sevenfold's own code, so that its answers can be held against it: cases with
// expected decisions after the provider's documentation (documented/), an account
// with every known way to more rights, each labelled (ways/), and scripts that
// run outside judges on the same cases (oracle/). README.md says what is whose.
package truth
