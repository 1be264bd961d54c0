package main

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// programPages are where the program file is mapped and was never written to.
func programPages() []mapping {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return nil
	}
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return nil
	}
	var out []mapping
	for line := range strings.Lines(string(maps)) {
		f := strings.Fields(line)
		if len(f) != 6 || f[5] != self || f[1][0] != 'r' || f[1][1] == 'w' {
			continue
		}
		from, to, _ := strings.Cut(f[0], "-")
		lo, err1 := strconv.ParseUint(from, 16, 64)
		hi, err2 := strconv.ParseUint(to, 16, 64)
		if err1 == nil && err2 == nil && lo < hi {
			out = append(out, mapping{uintptr(lo), uintptr(hi - lo)})
		}
	}
	return out
}

// shed unmaps pages of the program file. What is needed again is mapped again, out
// of the page cache. That it does not succeed does no harm.
func shed(program []mapping) {
	for _, m := range program {
		_, _, _ = unix.RawSyscall(unix.SYS_MADVISE, m.at, m.size, unix.MADV_DONTNEED)
	}
}
