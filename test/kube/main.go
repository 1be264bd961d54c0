// Command kube-apiserver-test runs etcd and the real Kubernetes API server in
// one process, for tests: on 127.0.0.1, with self-made certificates, static
// tokens and RBAC, its data in a folder that the caller throws away.
//
// It prints the path of an administrator's kubeconfig on standard output once
// the server is ready, and ends when its standard input is closed, so that a
// test which dies takes its server with it.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	dir := flag.String("dir", "", "folder for data, certificates and kubeconfig (required)")
	tokens := flag.String("tokens", "", "further users: a CSV of token,user,uid,\"group,group\"")
	audit := flag.String("audit", "", "where audit events are sent: a kubeconfig whose cluster is the receiver")
	watch := flag.Bool("stdin", true, "end when standard input is closed")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *watch {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			stop()
		}()
	}
	if err := run(ctx, *dir, *tokens, *audit, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "kube-apiserver-test: %v\n", err)
		os.Exit(1)
	}
}
