// Command globals prints, for each pickle of standard input, the globals that the
// symbolic machine says it imports, as a JSON list a line. A pickle is its length
// in decimal on a line, then its bytes. differential.py compares them with what
// Python's own unpickler asks for.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/sevenfold-sec/sevenfold/steps/supply/modelfile/pickle"
)

func main() {
	if err := run(bufio.NewReader(os.Stdin), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "globals:", err)
		os.Exit(4)
	}
}

func run(in *bufio.Reader, out io.Writer) error {
	w := bufio.NewWriter(out)
	defer w.Flush()
	enc := json.NewEncoder(w)
	for {
		var n int
		if _, err := fmt.Fscanf(in, "%d\n", &n); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		data := make([]byte, n)
		if _, err := io.ReadFull(in, data); err != nil {
			return err
		}
		res, err := pickle.Scan(context.Background(), bytes.NewReader(data), 0, int64(n), pickle.Options{})
		if err != nil {
			return err
		}
		names, blocked := [][2]string{}, false
		for _, g := range res.Globals {
			names = append(names, [2]string{g.Module, g.Name})
		}
		for _, f := range res.Findings {
			blocked = blocked || f.Level >= pickle.Suspicious
		}
		if err := enc.Encode(map[string]any{"globals": names, "blocked": blocked, "whole": res.Stopped && res.Intact}); err != nil {
			return err
		}
	}
}
