// Command terraformprovider is a provider for Terraform and OpenTofu that knows
// what the resources of the AWS and Kubernetes providers can say and nothing of
// what they do: its schemas are those of provider/terraform/attributes.txt, and
// its plans take what is configured and leave open what the real ones compute.
// With it the real terraform validates and plans sources here, where no real
// provider can be had. It never reaches a cloud and cannot apply.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tfprotov5/tf5server"
)

func main() {
	attributes := flag.String("attributes", os.Getenv("SEVENFOLD_ATTRIBUTES"), "provider/terraform/attributes.txt")
	flag.Parse()
	name := strings.TrimPrefix(filepath.Base(os.Args[0]), "terraform-provider-")
	schemas, err := readSchemas(*attributes, name+"_")
	if err != nil {
		fmt.Fprintf(os.Stderr, "terraformprovider: %v\nhint: set SEVENFOLD_ATTRIBUTES to provider/terraform/attributes.txt\n", err)
		os.Exit(2)
	}
	err = tf5server.Serve("registry.terraform.io/hashicorp/"+name, func() tfprotov5.ProviderServer { return &server{name: name, schemas: schemas} })
	if err != nil {
		fmt.Fprintln(os.Stderr, "terraformprovider:", err)
		os.Exit(4)
	}
}
