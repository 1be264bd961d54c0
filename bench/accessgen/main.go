// Command accessgen writes the made-up account that the figures of the policy
// engine are measured on, in the forms that other tools read.
//
//	accessgen -n 1000 -form authorization|asked
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
)

func main() {
	n := flag.Int("n", 1000, "how many roles")
	form := flag.String("form", "authorization", "authorization (GetAccountAuthorizationDetails) or asked (documents, holders and questions)")
	flag.Parse()
	c := newCrowd(*n)
	forms := map[string]func() object{"authorization": c.authorization, "asked": c.asked}
	write, ok := forms[*form]
	if !ok {
		fmt.Fprintf(os.Stderr, "accessgen: no form %s: authorization or asked\n", *form)
		os.Exit(2)
	}
	if err := json.NewEncoder(os.Stdout).Encode(write()); err != nil {
		fmt.Fprintln(os.Stderr, "accessgen:", err)
		os.Exit(1)
	}
}
