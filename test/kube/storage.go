package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
)

// startEtcd runs a store of one member on ports the kernel picks. Nothing is
// synced to disk: the data lives as long as a test.
func startEtcd(dir string) (*embed.Etcd, error) {
	local := url.URL{Scheme: "http", Host: "127.0.0.1:0"}
	c := embed.NewConfig()
	c.Dir = dir
	c.LogLevel = "error"
	c.LogOutputs = []string{"stderr"}
	c.UnsafeNoFsync = true
	c.ListenPeerUrls, c.ListenClientUrls = []url.URL{local}, []url.URL{local}
	c.AdvertisePeerUrls, c.AdvertiseClientUrls = []url.URL{local}, []url.URL{local}
	c.InitialCluster = c.InitialClusterFromName(c.Name)
	e, err := embed.StartEtcd(c)
	if err != nil {
		return nil, fmt.Errorf("etcd: %w", err)
	}
	select {
	case <-e.Server.ReadyNotify():
		return e, nil
	case err := <-e.Err():
		e.Close()
		return nil, fmt.Errorf("etcd: %w", err)
	case <-time.After(readyWithin):
		e.Close()
		return nil, errors.New("etcd: not ready in time")
	}
}

// writeKubeconfig writes the administrator's kubeconfig, context "test".
func writeKubeconfig(dir, host, token string) (string, error) {
	ca, err := os.ReadFile(filepath.Join(dir, "certs", "apiserver.crt"))
	if err != nil {
		return "", fmt.Errorf("read the server's certificate: %w", err)
	}
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: test
clusters:
- name: test
  cluster: {server: %q, certificate-authority-data: %s}
users:
- name: admin
  user: {token: %s}
contexts:
- name: test
  context: {cluster: test, user: admin}
`, host, base64.StdEncoding.EncodeToString(ca), token)
	path := filepath.Join(dir, "kubeconfig")
	return path, os.WriteFile(path, []byte(text), 0o600)
}
