package scan_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/data/scan"
	"github.com/sevenfold-sec/sevenfold/steps/data/scan/format"
)

func ExampleScanner_Text() {
	s, err := scan.New(scan.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	text := []byte("Größe M, Karte 4111 1111 1111 1111, Telefon +49 30 901820")
	spans := s.Text(text)
	scan.Runes(text, spans) // offsets of characters, not of bytes
	for _, sp := range spans {
		fmt.Printf("%s %d-%d %.2f (%s)\n", sp.Type, sp.Start, sp.End, sp.Score, sp.Reason)
	}
	// Output:
	// CREDIT_CARD 15-34 0.95 (check digits, and a word nearby)
	// PHONE_NUMBER 44-57 0.90 (form)
}

func ExampleScanner_Object() {
	s, err := scan.New(scan.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	table := "id,contact\n1,anna@mail-example.org\n2,bela@mail-example.org\n"
	res, err := s.Object(context.Background(), "people.csv", strings.NewReader(table), int64(len(table)), format.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(res.Verdict, res.Format, res.Examined.Rows)
	for _, l := range res.Labels {
		fmt.Println(l.Column, l.Type, l.Count, l.Sensitivity)
	}
	// Output:
	// labelled csv 2
	// contact EMAIL_ADDRESS 2 medium
}
