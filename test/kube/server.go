package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/client-go/rest"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"
)

// readyWithin bounds the start; a server that needs longer is broken.
const readyWithin = 5 * time.Minute

// run serves until ctx ends. It writes the kubeconfig's path to ready once
// requests are answered. In a folder that was served from before it goes on
// with the same objects, address, certificate and users, so that clients see a
// server that was restarted.
func run(ctx context.Context, dir, moreTokens, audit string, ready io.Writer) error {
	if dir == "" {
		return errors.New("-dir is required: name an empty folder")
	}
	etcd, err := startEtcd(filepath.Join(dir, "etcd"))
	if err != nil {
		return err
	}
	defer etcd.Close()
	listener, err := listen(filepath.Join(dir, "address"))
	if err != nil {
		return err
	}
	token, err := writeSecrets(dir, moreTokens)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- serve(ctx, dir, "http://"+etcd.Clients[0].Addr().String(), audit, listener) }()
	host := "https://" + listener.Addr().String()
	if err := waitReady(ctx, done, host, token); err != nil {
		return err
	}
	path, err := writeKubeconfig(dir, host, token)
	if err != nil {
		return err
	}
	fmt.Fprintln(ready, path)
	if err := <-done; err != nil && ctx.Err() == nil {
		return fmt.Errorf("kube-apiserver: %w", err)
	}
	return nil
}

// serve runs the API server proper. The ServiceAccount admission plugin is off
// because no controller manager makes the default accounts it waits for.
func serve(ctx context.Context, dir, etcdURL, audit string, l net.Listener) error {
	more, err := auditFlags(dir, audit)
	if err != nil {
		return err
	}
	s := options.NewServerRunOptions()
	flags := pflag.NewFlagSet("kube-apiserver", pflag.ContinueOnError)
	sets := s.Flags()
	for _, set := range sets.FlagSets {
		flags.AddFlagSet(set)
	}
	if err := flags.Parse(append([]string{
		"--etcd-servers=" + etcdURL,
		"--cert-dir=" + filepath.Join(dir, "certs"),
		"--advertise-address=127.0.0.1",
		"--bind-address=127.0.0.1",
		"--token-auth-file=" + filepath.Join(dir, "tokens.csv"),
		"--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + filepath.Join(dir, "sa.key"),
		"--service-account-signing-key-file=" + filepath.Join(dir, "sa.key"),
		"--service-cluster-ip-range=10.0.0.0/24",
		"--disable-admission-plugins=ServiceAccount",
		"--endpoint-reconciler-type=none",
		"--watch-cache=false",
	}, more...)); err != nil {
		return err
	}
	s.SecureServing.Listener = l
	s.SecureServing.BindPort = l.Addr().(*net.TCPAddr).Port
	if err := s.GenericServerRunOptions.ComponentGlobalsRegistry.Set(); err != nil {
		return err
	}
	rest.SetDefaultWarningHandler(rest.NoWarnings{})
	completed, err := s.Complete(ctx)
	if err != nil {
		return err
	}
	if errs := completed.Validate(); len(errs) != 0 {
		return errors.Join(errs...)
	}
	return app.Run(ctx, completed)
}

// auditPolicy records who changed what, with what was asked for, once it was answered; but
// not what the server does to itself, nor what the administrator makes for a test.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: None, verbs: [get, list, watch]}
- {level: None, users: ["system:apiserver"]}
- {level: None, userGroups: ["system:masters"]}
- {level: Request}
`

// auditFlags makes the API server send its audit events, each a moment after it happened,
// to the receiver that a kubeconfig names; none for an empty path.
func auditFlags(dir, kubeconfig string) ([]string, error) {
	if kubeconfig == "" {
		return nil, nil
	}
	policy := filepath.Join(dir, "audit-policy.yaml")
	return []string{"--audit-policy-file=" + policy, "--audit-webhook-config-file=" + kubeconfig, "--audit-webhook-mode=batch", "--audit-webhook-batch-max-wait=200ms", "--audit-webhook-initial-backoff=1s"},
		os.WriteFile(policy, []byte(auditPolicy), 0o600)
}

// listen takes the address noted in file, else a free one, which it notes.
func listen(file string) (net.Listener, error) {
	address := "127.0.0.1:0"
	if noted, err := os.ReadFile(file); err == nil {
		address = string(noted)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return l, os.WriteFile(file, []byte(l.Addr().String()), 0o600)
}

// writeSecrets makes the token file and the service account key, unless they
// are there, and returns the administrator's token.
func writeSecrets(dir, moreTokens string) (string, error) {
	if made, err := os.ReadFile(filepath.Join(dir, "tokens.csv")); err == nil {
		token, _, _ := strings.Cut(string(made), ",")
		return token, nil
	}
	var raw [16]byte
	if _, err := rand.Read(raw[:]); err != nil {
		return "", err
	}
	token := hex.EncodeToString(raw[:])
	tokens := fmt.Sprintf("%s,admin,admin,\"system:masters\"\n", token)
	if moreTokens != "" {
		more, err := os.ReadFile(moreTokens)
		if err != nil {
			return "", fmt.Errorf("read -tokens: %w", err)
		}
		tokens += string(more)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", err
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	return token, errors.Join(
		os.WriteFile(filepath.Join(dir, "tokens.csv"), []byte(tokens), 0o600),
		os.WriteFile(filepath.Join(dir, "sa.key"), block, 0o600),
	)
}

// waitReady asks /readyz until it says ok, the server ends, or time is up.
func waitReady(ctx context.Context, done <-chan error, host, token string) error {
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		// The certificate is made at start; its authority is written to the
		// kubeconfig, which is what tests verify against.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
	defer client.CloseIdleConnections()
	limit := time.After(readyWithin)
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, host+"/readyz", nil)
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+token)
		if resp, err := client.Do(req); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case err := <-done:
			return fmt.Errorf("kube-apiserver ended before it was ready: %w", err)
		case <-limit:
			return fmt.Errorf("kube-apiserver not ready within %s", readyWithin)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
