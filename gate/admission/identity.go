package admission

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// identityLife is how long a self-made certificate is valid; at half of it the
// next is made. Keys never leave the process.
const identityLife = 7 * 24 * time.Hour

// backdated is how far a self-made certificate reaches back, for clocks that
// differ.
const backdated = time.Hour

// identity is the certificate the webhook serves with.
type identity struct {
	hosts   []string // names and addresses the API server calls it by
	current atomic.Pointer[tls.Certificate]
	// authority is what the API server must trust, PEM.
	authority []byte
	renew     time.Time // zero: never
	// files of a certificate that others make, read again when they change.
	cert, key string
}

// load reads a certificate that others made.
func (i *identity) load() error {
	pair, err := tls.LoadX509KeyPair(i.cert, i.key)
	if err != nil {
		return fmt.Errorf("TLS certificate %s: %w\nhint: give a PEM certificate by --tls-cert and its key by --tls-key, or neither to have one made", i.cert, err)
	}
	i.current.Store(&pair)
	return nil
}

// reload takes a certificate that others have renewed. While the files are
// being replaced the old one stays.
func (i *identity) reload() (changed bool, err error) {
	chain, err := os.ReadFile(i.cert)
	if err != nil {
		return false, err
	}
	if block, _ := pem.Decode(chain); block != nil && bytes.Equal(block.Bytes, i.current.Load().Certificate[0]) {
		return false, nil
	}
	return true, i.load()
}

// fresh makes an authority of its own and a certificate by it. The returned
// use makes the certificate the one that is served; until then the one before
// is.
func (i *identity) fresh(now time.Time) (authority []byte, use func(), err error) {
	caKey, err1 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	key, err2 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	serial, err3 := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, nil, err
	}
	ca := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "sevenfold gate"}, NotBefore: now.Add(-backdated), NotAfter: now.Add(identityLife),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	if err != nil {
		return nil, nil, err
	}
	leaf := &x509.Certificate{
		SerialNumber: new(big.Int).Add(serial, big.NewInt(1)), Subject: pkix.Name{CommonName: "sevenfold gate admission"},
		NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, h := range i.hosts {
		if ip := net.ParseIP(h); ip != nil {
			leaf.IPAddresses = append(leaf.IPAddresses, ip)
		} else {
			leaf.DNSNames = append(leaf.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), caKey)
	if err != nil {
		return nil, nil, err
	}
	authority = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER})
	return authority, func() {
		i.authority, i.renew = authority, now.Add(identityLife/2)
		i.current.Store(&tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key})
	}, nil
}

// config serves with whatever the certificate is at the time.
func (i *identity) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		if c := i.current.Load(); c != nil {
			return c, nil
		}
		return nil, errors.New("no certificate has been made yet")
	}}
}
