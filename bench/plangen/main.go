// Command plangen writes a made-up Terraform plan, the same for the same size:
//
//	plangen -n RESOURCES >plan.json
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/sevenfold-sec/sevenfold/test/terraformgen"
)

func main() {
	n := flag.Int("n", 2000, "resource changes")
	flag.Parse()
	if _, err := os.Stdout.Write(terraformgen.Plan(*n)); err != nil {
		fmt.Fprintln(os.Stderr, "plangen:", err)
		os.Exit(1)
	}
}
