package ner

// rows and columns are the size of the piece of a matrix product that the
// kernel computes at once.
const rows, columns = 6, 16

// multiply computes c = a·b for n rows of a, b in panels. n is a multiple of
// rows; a holds lda and c ldc values a row.
func multiply(n, k int, a []float32, lda int, panels []float32, c []float32, ldc int) {
	for p := 0; p*columns*k < len(panels); p++ {
		b := panels[p*columns*k : (p+1)*columns*k]
		for i := 0; i < n; i += rows {
			kernel(k, a[i*lda:], lda, b, c[i*ldc+p*columns:], ldc)
		}
	}
}

// plainKernel is the kernel for machines without one of their own.
func plainKernel(k int, a []float32, lda int, b, c []float32, ldc int) {
	for r := range rows {
		var sum [columns]float32
		row := a[r*lda : r*lda+k]
		for i, x := range row {
			w := b[i*columns : i*columns+columns : i*columns+columns]
			for j := range sum {
				sum[j] += x * w[j]
			}
		}
		copy(c[r*ldc:r*ldc+columns], sum[:])
	}
}
