package main

import (
	"io"

	"github.com/sevenfold-sec/sevenfold/control"
)

func recordPublic(out io.Writer, dir string, set *control.Set) error { return nil }

func renderPublic(p func(string, ...any)) error { return nil }
