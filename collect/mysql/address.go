package mysql

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"os"
	"strings"

	driver "github.com/go-sql-driver/mysql"
)

// form is how an address is written.
const form = "mysql://USER@HOST:3306/DATABASE, the password in MYSQL_PWD; ?ssl-mode=VERIFY_IDENTITY&ssl-ca=FILE verifies the server"

// Ways to use TLS, by the names that MySQL's own programs give them.
const (
	disabled       = "DISABLED"
	preferred      = "PREFERRED"
	required       = "REQUIRED"
	verifyCA       = "VERIFY_CA"
	verifyIdentity = "VERIFY_IDENTITY"
)

// passwordVariable holds the password, as for MySQL's own programs.
const passwordVariable = "MYSQL_PWD"

// slip is what is wrong with an address.
func slip(what, mend string) *Error { return &Error{What: what, Mend: mend, Address: true} }

// IsAddress reports whether an address is one of MySQL or MariaDB.
func IsAddress(uri string) bool {
	return strings.HasPrefix(uri, "mysql://") || strings.HasPrefix(uri, "mariadb://")
}

// Name is an address without user, password and options.
func Name(uri string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return "mysql://?"
	}
	return "mysql://" + u.Host + strings.TrimSuffix(u.Path, "/")
}

// configure reads an address. Whoever stands between could ask for what a password is
// found out by: away from this machine nothing is sent without TLS, unless that is said.
func configure(uri string) (*driver.Config, error) {
	u, err := url.Parse(uri)
	if err != nil || !IsAddress(uri) {
		return nil, slip("it is no address of a MySQL database", form)
	}
	cfg := driver.NewConfig()
	cfg.User, cfg.DBName = u.User.Username(), strings.Trim(u.Path, "/")
	if strings.Contains(cfg.DBName, "/") {
		return nil, slip("after the host stands one name, of the database", form)
	}
	cfg.Passwd = os.Getenv(passwordVariable)
	if p, ok := u.User.Password(); ok {
		cfg.Passwd = p
	}
	var mode, ca string
	for k, v := range u.Query() {
		switch k {
		case "ssl-mode":
			mode = strings.ToUpper(v[0])
		case "ssl-ca":
			ca = v[0]
		case "socket":
			cfg.Net, cfg.Addr = "unix", v[0]
		default:
			return nil, slip("the address has an option that is not known", "ssl-mode, ssl-ca and socket are")
		}
	}
	local := cfg.Net == "unix"
	if !local {
		host, port := u.Hostname(), u.Port()
		if host == "" {
			return nil, slip("the address names no host", form)
		}
		if port == "" {
			port = "3306"
		}
		cfg.Net, cfg.Addr = "tcp", net.JoinHostPort(host, port)
		ip := net.ParseIP(host)
		local = host == "localhost" || ip != nil && ip.IsLoopback()
	}
	if err := secure(cfg, mode, ca, local); err != nil {
		return nil, err
	}
	cfg.Logger = &driver.NopLogger{} // errors are returned; nothing else is said
	cfg.Timeout, cfg.ReadTimeout, cfg.WriteTimeout = connectTimeout, patience, connectTimeout
	cfg.ConnectionAttributes = "program_name:sevenfold (read-only)"
	cfg.InterpolateParams = true         // one way of asking, without statements that are prepared
	cfg.Collation = "utf8mb4_general_ci" // every server knows it; values come as UTF-8
	return cfg, nil
}

// secure sets how TLS is used.
func secure(cfg *driver.Config, mode, ca string, local bool) error {
	roots, err := authorities(ca)
	if err != nil {
		return err
	}
	if mode == "" {
		switch {
		case ca != "":
			mode = verifyCA
		case local:
			mode = preferred
		default:
			mode = required
		}
	}
	host, _, _ := net.SplitHostPort(cfg.Addr)
	unverified := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12} //nolint:gosec // what these modes say; whoever names an authority has it verified
	switch mode {
	case disabled:
	case preferred:
		cfg.TLS, cfg.AllowFallbackToPlaintext = unverified, true
	case required:
		cfg.TLS = unverified
	case verifyCA:
		unverified.VerifyConnection = func(s tls.ConnectionState) error { return chained(s, roots) }
		cfg.TLS, cfg.AllowCleartextPasswords = unverified, true
	case verifyIdentity:
		cfg.TLS = &tls.Config{RootCAs: roots, ServerName: host, MinVersion: tls.VersionTLS12}
		cfg.AllowCleartextPasswords = true // Amazon's tokens are sent so
	default:
		return slip("ssl-mode is none that is known", strings.Join([]string{disabled, preferred, required, verifyCA, verifyIdentity}, ", "))
	}
	if (mode == disabled || mode == preferred || mode == required) && ca != "" {
		return slip("ssl-ca is not used with ssl-mode="+mode, "ssl-mode="+verifyIdentity)
	}
	return nil
}

// authorities reads certificates of a file; nil without one: the machine's.
func authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, &Error{What: "the file of ssl-ca cannot be read", Mend: "name a file of certificates in PEM", Address: true, err: err}
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, slip("the file of ssl-ca holds no certificate", "name a file of certificates in PEM")
	}
	return pool, nil
}

// chained verifies a server's certificate, whatever host it is of.
func chained(s tls.ConnectionState, roots *x509.CertPool) error {
	if len(s.PeerCertificates) == 0 {
		return errors.New("the server has no certificate")
	}
	between := x509.NewCertPool()
	for _, c := range s.PeerCertificates[1:] {
		between.AddCert(c)
	}
	_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
	return err
}

// isCertificate reports whether a connection failed at the server's certificate.
func isCertificate(err error) bool {
	var one *tls.CertificateVerificationError
	var two x509.UnknownAuthorityError
	var three x509.HostnameError
	var four x509.CertificateInvalidError
	return errors.As(err, &one) || errors.As(err, &two) || errors.As(err, &three) || errors.As(err, &four)
}
