//go:build !amd64

package ner

func kernel(k int, a []float32, lda int, b, c []float32, ldc int) { plainKernel(k, a, lda, b, c, ldc) }
