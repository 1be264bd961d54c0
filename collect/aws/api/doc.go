// Package api is a read-only AWS client driven by a model instead of generated
// code. The model (model.bin) is condensed by ./gen from botocore's published
// service models and embedded; a service's part of it is unpacked on its first
// call. Credentials come from aws-sdk-go-v2, and so does the signature.
//
// Replies are JSON objects whose members are spelt as the AWS command line
// prints them, in whatever protocol they came: timestamps are ISO 8601 with
// their offset, blobs base64, IAM policy documents objects, ResponseMetadata
// gone. A null member is left out. A member the model does not know is
// skipped; one whose type is not the model's makes the reply malformed, with
// the path of that member in the error.
//
// The model holds no operation that writes, mints credentials or returns
// stored content, so a Client cannot be made to call one. Objects reads stored
// content, for the verbs that are asked to.
package api

// botocore 1.44.5 is the version model.bin was made from; BOTOCORE_DATA is the
// folder botocore/data of an installation of it.
//go:generate go run ./gen -data ${BOTOCORE_DATA} -out model.bin
