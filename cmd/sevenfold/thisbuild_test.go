package main

import (
	"runtime/debug"
	"testing"
)

// Only a build of one commit, as it was committed, is known again.
func TestABuildIsKnownAgainByItsCommit(t *testing.T) {
	of := func(pairs ...string) string {
		var settings []debug.BuildSetting
		for i := 0; i < len(pairs); i += 2 {
			settings = append(settings, debug.BuildSetting{Key: pairs[i], Value: pairs[i+1]})
		}
		return buildBy(settings)
	}
	one, other := of("vcs.revision", "aa", "vcs.modified", "false"), of("vcs.revision", "bb", "vcs.modified", "false")
	if one == "" || other == "" || one == other {
		t.Errorf("two commits are %q and %q", one, other)
	}
	if tagged := of("vcs.revision", "aa", "vcs.modified", "false", "-tags", "x"); tagged == one {
		t.Errorf("with other tags it is %q too", tagged)
	}
	for name, got := range map[string]string{
		"changed":         of("vcs.revision", "aa", "vcs.modified", "true"),
		"perhaps changed": of("vcs.revision", "aa"),
		"no history":      of("-tags", "x"),
		"nothing":         of(),
	} {
		if got != "" {
			t.Errorf("%s: %q", name, got)
		}
	}
}
