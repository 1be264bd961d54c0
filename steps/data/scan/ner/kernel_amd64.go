package ner

import "golang.org/x/sys/cpu"

var fast = cpu.X86.HasAVX2 && cpu.X86.HasFMA

// kernel6x16 computes six rows of sixteen columns: c = a·b, where b is k rows
// of sixteen values. It needs AVX2 and FMA.
//
//go:noescape
func kernel6x16(k int, a *float32, lda int, b *float32, c *float32, ldc int)

func kernel(k int, a []float32, lda int, b, c []float32, ldc int) {
	if !fast {
		plainKernel(k, a, lda, b, c, ldc)
		return
	}
	// The places of the last values the kernel reads and writes; an index out of
	// range stops here and not in the assembler.
	_, _, _ = a[(rows-1)*lda+k-1], b[k*columns-1], c[(rows-1)*ldc+columns-1]
	kernel6x16(k, &a[0], lda, &b[0], &c[0], ldc)
}
