// Package catalog says, as data, what can be read of AWS: one YAML file per
// service lists its resource types, the calls that list and describe them and
// what each call needs. The same file drives the live collector (which calls
// to make), the reader of exported replies (which asset a reply belongs to)
// and the least policy that allows it all.
//
// # Adding a service
//
// Write services/NAME.yaml. Nothing else changes: the file is embedded, its
// operations, parameters and paths are checked against the service's API model
// by a test, and testdata/types.tsv lists its types (go test -update).
//
// # Expressions
//
// Three small forms appear in the files:
//
//   - a path, "Vpc.Tags" or "Reservations[].Instances[]": member names as the
//     API model spells them; [] flattens an array, [0] takes its first element;
//     a leading "parent." looks into the parent asset's configuration, and
//     "parent.parent." into that of the parent's parent;
//   - a template, "arn:{partition}:s3:::{Name}": paths in braces, and
//     {partition}, {region}, {account}; "{Path|last}" keeps what follows the
//     last "/" or ":"; "{A,B}" is the first that is there; "@ec2:vpc/{VpcId}" is short for
//     "arn:{partition}:ec2:{region}:{account}:vpc/{VpcId}";
//   - a literal, "=self".
package catalog
