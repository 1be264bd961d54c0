// Package flows reads what a network was seen to do: VPC flow logs (text and
// Parquet, from S3 or CloudWatch Logs) and Hubble's flows. It makes of them a
// small aggregate: who opened connections to whom, on which port, whether they
// were let through, when first and last, and how much.
//
// # Who opened it
//
// A flow log records packets, and half of them are answers. Each record is
// turned so that the client, who opened the connection, stands first. How that
// is known goes with the flow (Sides): the record says so (a lone SYN, Hubble's
// is_reply), the ports tell (a well-known port on one side, an ephemeral one on
// the other, or a port that other flows show to be a server's), or nothing tells
// and the flow is Ambiguous: it then stands as seen, and says so.
//
// # What was not seen
//
// An aggregate says over which time it was watched, where there are holes, what
// the logs say they skipped, and every line that could not be read, by file and
// line. That a flow is not in it means something only where none of these speaks.
//
// # Bounds
//
// Memory is bounded by Options.MaxFlows. Where there would be more distinct
// flows than that, they are made coarser, all alike, step by step (Coarseness),
// and the aggregate says how coarse it is and how many flows fell together. The
// outcome does not depend on the order in which records came.
//
// The formats are those of
// https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html and
// Cilium's api/v1/flow/flow.proto.
package flows
