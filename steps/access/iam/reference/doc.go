// Package reference holds what AWS publishes about permissions: every action
// with its access level, the resource types it works on and the condition keys
// a request for it carries, the actions it needs beside itself, and the
// documents of the managed policies that AWS itself keeps.
//
// It is a table embedded in the program, made by ./gen from the sources named
// by [Sources]; `make iamdata` makes it anew. Nothing is unpacked before it is
// asked for: the text of all services at the first question about an action,
// each service's actions when that service is asked about, and managed policies
// a block at a time.
//
// Names of services, actions and condition keys are compared without regard to
// case, as IAM compares them. What the table does not know is answered with
// ok == false, which says "not known" and never "harmless": AWS has new actions
// every week, and the table is as old as [Taken] says.
//
// The ways from one identity to another that the provider's own services open
// are in routes.json beside it, read by [Routes].
package reference
