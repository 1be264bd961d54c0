package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/gate"
	"github.com/sevenfold-sec/sevenfold/gate/runtask"
)

func newGateRunTask(g *globals) *cobra.Command {
	var r reading
	var by keyless
	var listen, secret, cert, certKey, key string
	hosts := []string{"app.terraform.io", "archivist.terraform.io"}
	cmd := &cobra.Command{
		Use:   "run-task",
		Short: "Answer HCP Terraform's run tasks: may this plan be applied?",
		Long: "Listens for run tasks, checks each one's signature against the shared key, fetches the plan with the token\n" +
			"in the request from the hosts named and from no other, lays it over the last snapshot in the state (or the\n" +
			"sources named), and sends back passed, or failed with the reasons: what could not be told fails too.\n" +
			"Set the task to post-plan or pre-apply, and to mandatory. Terraform Enterprise and the EU's HCP Terraform have\n" +
			"hosts of their own: name each with --host, that of the archivist too if it is another. A private authority's\n" +
			"certificates are believed by SSL_CERT_FILE.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if secret == "" {
				return usage("the key that run tasks are signed with is missing", "--hmac-key FILE, the same as in the run task's settings; made by: openssl rand -hex 32")
			}
			shared, err := sharedKey(secret)
			if err != nil {
				return err
			}
			s, err := g.open()
			if err != nil {
				return err
			}
			if (cert == "") != (certKey == "") {
				return usage("of certificate and key only one is named", "--tls-cert FILE --tls-key FILE")
			}
			if cert == "" && !loopback(listen) {
				return usage(fmt.Sprintf("%s can be reached from elsewhere, and run tasks carry tokens", printable(listen)), "--tls-cert and --tls-key, or --listen 127.0.0.1:PORT behind a proxy that ends TLS")
			}
			if _, err := s.g.trustIfAny(key, by, s.scope); err != nil {
				return err // now, and not at every plan
			}
			ctx := cmd.Context()
			// One plan after another: each reads the state, and the estate may be large.
			turn := make(chan struct{}, 1)
			log := slog.New(slog.NewTextHandler(g.stderr, nil))
			h, err := runtask.New(ctx, runtask.Options{Key: shared, Hosts: hosts, Log: log, Decide: func(ctx context.Context, path string) (gate.Decision, error) {
				select {
				case turn <- struct{}{}:
					defer func() { <-turn }()
				case <-ctx.Done():
					return gate.Decision{}, ctx.Err()
				}
				shown, err := s.decidePlan(ctx, r, path, key, by, false)
				if err != nil {
					return gate.Decision{}, err
				}
				return shown.Decision, nil
			}})
			if err != nil {
				return usage(err.Error(), "--host app.terraform.io --host archivist.terraform.io, or --host tfe.example.com[:PORT]")
			}
			return serveRunTasks(ctx, g, h, listen, cert, certKey)
		},
	}
	r.addTo(cmd)
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8088", "`ADDRESS` to listen at")
	cmd.Flags().StringVar(&secret, "hmac-key", "", "`FILE` with the key that run tasks are signed with")
	cmd.Flags().StringSliceVar(&hosts, "host", hosts, "`HOST` that plans are fetched from and answers sent to; repeats")
	cmd.Flags().StringVar(&cert, "tls-cert", "", "certificate `FILE` (PEM)")
	cmd.Flags().StringVar(&certKey, "tls-key", "", "`FILE` with the certificate's key (PEM)")
	cmd.Flags().StringVar(&key, "key", "", "public `KEY` certificates must be signed with: ed25519:BASE64, ecdsa-p256:BASE64 or a PEM file; default: the state's own")
	by.addTo(cmd)
	return cmd
}

// sharedKey reads a key that two parties share.
func sharedKey(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, usage(err.Error(), "openssl rand -hex 32 > FILE; chmod 600 FILE")
	}
	if !info.Mode().IsRegular() || info.Size() > maxKeyFile {
		return nil, usage(fmt.Sprintf("%s is no file with a key", printable(file)), "openssl rand -hex 32 > FILE")
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, usage(fmt.Sprintf("%s can be read by others (mode %04o)", printable(file), info.Mode().Perm()), "chmod 600 "+printable(file))
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, usage(err.Error(), "")
	}
	text = bytes.TrimSpace(text)
	const least = 16
	if len(text) < least {
		return nil, usage(fmt.Sprintf("the key in %s has fewer than %d characters", printable(file), least), "openssl rand -hex 32 > FILE")
	}
	return text, nil
}

// loopback reports whether an address can be reached from this machine alone.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// serveRunTasks serves until the command is ended, and answers what was taken.
func serveRunTasks(ctx context.Context, g *globals, h *runtask.Handler, address, cert, key string) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return usage(err.Error(), "--listen with an address and port that are free")
	}
	fmt.Fprintf(g.stderr, "run tasks are answered at %s\n", l.Addr())
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, MaxHeaderBytes: 64 << 10}
	done := make(chan error, 1)
	go func() {
		if cert != "" {
			done <- server.ServeTLS(l, cert, key)
			return
		}
		done <- server.Serve(l)
	}()
	select {
	case err := <-done:
		return usage(err.Error(), "--tls-cert and --tls-key in PEM")
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err = server.Shutdown(closing)
	h.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
