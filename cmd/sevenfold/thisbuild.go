package main

import (
	"runtime"
	"runtime/debug"
	"strings"
)

// thisBuild says which build this is, for records that hold for the build that made
// them only: the commit it was made of and the compiler. It is empty where that does
// not tell two builds apart: of files that were not committed, or of a tree without
// its history.
func thisBuild() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return buildBy(info.Settings)
}

func buildBy(settings []debug.BuildSetting) string {
	said := map[string]string{}
	for _, s := range settings {
		said[s.Key] = s.Value
	}
	if said["vcs.revision"] == "" || said["vcs.modified"] != "false" {
		return ""
	}
	return strings.Join([]string{said["vcs.revision"], runtime.Version(), runtime.GOOS, runtime.GOARCH, said["-tags"]}, " ")
}
