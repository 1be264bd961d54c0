package main

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	act "github.com/sevenfold-sec/sevenfold/act/kubernetes"
	"github.com/sevenfold-sec/sevenfold/assess"
	collect "github.com/sevenfold-sec/sevenfold/collect/kubernetes"
	deploy "github.com/sevenfold-sec/sevenfold/deploy/kubernetes"
	"github.com/sevenfold-sec/sevenfold/gate/admission"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
	"github.com/sevenfold-sec/sevenfold/sigstore"
)

// gateService is the webhook's service in the manifests.
const gateService = "sevenfold-system/sevenfold-gate"

// admissionFlags are those of gate admission.
type admissionFlags struct {
	kubeconfig, context, cluster string
	listen, service, url         string
	certificates                 string
	keys, approvers              []string
	by                           keyless
	tlsCert, tlsKey              string
	pilot, pilots                int
	controllers                  []string
	selfTest                     time.Duration
	elect                        bool
	manifests                    bool
	image                        string
	verbose                      bool
}

func newGateAdmission(g *globals) *cobra.Command {
	f := &admissionFlags{}
	cmd := &cobra.Command{
		Use:   "admission",
		Short: "Hold growth in a Kubernetes cluster to the certificates: webhook and controller",
		Long: "Runs the webhook and the controller of a Kubernetes cluster's gate until it is\n" +
			"stopped. In namespaces labelled sevenfold.dev/gate=enforced, Deployments,\n" +
			"StatefulSets and HorizontalPodAutoscalers grow beyond the pilot only with a\n" +
			"valid certificate; they shrink whatever happens.\n\n" +
			"First apply the manifests, then run it (in the cluster they do):\n" +
			"  sevenfold gate admission --manifests | kubectl apply -f -\n" +
			"  sevenfold gate admission --certificates DIR --key gate.pub --url https://HOST:9443/admit\n" +
			"  kubectl label namespace NS sevenfold.dev/gate=enforced",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := g.wants("gate admission", "text"); err != nil {
				return err
			}
			if f.manifests {
				return f.print(g)
			}
			return f.run(cmd, g)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.kubeconfig, "kubeconfig", "", "`FILE` to reach the cluster by (default KUBECONFIG, ~/.kube/config, in-cluster)")
	flags.StringVar(&f.context, "context", "", "context in the kubeconfig (default the current one)")
	flags.StringVar(&f.cluster, "cluster", "", "the cluster's `NAME` in certificates, k8s://NAME/… (default the kubeconfig's)")
	flags.StringVar(&f.listen, "listen", "127.0.0.1:9443", "`ADDRESS` the webhook is served on")
	flags.StringVar(&f.service, "service", gateService, "`NAMESPACE/NAME` of the service the API server calls the webhook by")
	flags.StringVar(&f.url, "url", "", "https `URL` the API server calls the webhook by, instead of a service")
	flags.StringVar(&f.certificates, "certificates", "", "`DIR` with the certificates that gate certify wrote")
	flags.StringArrayVar(&f.keys, "key", nil, "public `KEY` certificates are signed with: a file, ed25519:… or ecdsa-p256:…; repeats")
	f.by.addTo(cmd)
	flags.StringArrayVar(&f.approvers, "approver", nil, "public `KEY` waivers must be signed with: a file, or ed25519:…; repeats")
	flags.StringVar(&f.tlsCert, "tls-cert", "", "PEM `FILE` with the webhook's TLS certificate (default: one is made and renewed)")
	flags.StringVar(&f.tlsKey, "tls-key", "", "PEM `FILE` with its key")
	flags.IntVar(&f.pilot, "pilot", 1, "`REPLICAS` an object may have that no certificate names")
	flags.IntVar(&f.pilots, "pilots", 5, "`REPLICAS` a namespace may have in all that no certificate names")
	flags.StringArrayVar(&f.controllers, "controller", nil, "`USER` whose word counts that an object is made for another, besides the cluster's\ncontrollers and those of known operators: system:serviceaccount:NS:NAME; repeats")
	flags.DurationVar(&f.selfTest, "self-test", time.Minute, "how `OFTEN` growth is asked for that must be refused; 0: never")
	flags.BoolVar(&f.elect, "elect", false, "one of several replicas writes the verdicts, elected by a Lease in the service's namespace")
	flags.BoolVar(&f.manifests, "manifests", false, "print what to apply to the cluster, and do nothing else")
	flags.StringVar(&f.image, "image", "sevenfold:"+version, "container `IMAGE` in the manifests")
	flags.BoolVar(&f.verbose, "verbose", false, "log what is admitted too")
	return cmd
}

// print writes the manifests as the flags have them.
func (f *admissionFlags) print(g *globals) error {
	if _, err := admission.HostsOf(f.address()); err != nil {
		return err
	}
	namespace, name, _ := strings.Cut(f.service, "/")
	cluster := f.cluster
	if cluster == "" {
		cluster = collect.DefaultCluster
	}
	signers, root, err := f.keylessManifests(namespace)
	if err != nil {
		return err
	}
	files, err := fs.Glob(deploy.FS, "*.yaml")
	if err != nil {
		return err
	}
	return g.write(func(w io.Writer) error {
		for i, file := range files {
			text, err := fs.ReadFile(deploy.FS, file)
			if err != nil {
				return err
			}
			if f.url != "" && strings.HasPrefix(file, "50-") {
				continue // whoever serves at a URL of their own runs it themselves
			}
			service := "service: {namespace: sevenfold-system, name: sevenfold-gate, path: /admit, port: 443}"
			replaced := strings.NewReplacer(append(signers,
				service, f.clientConfig(namespace, name),
				"metadata: {name: sevenfold-gate, namespace: sevenfold-system}\nspec:\n  selector", "metadata: {name: "+name+", namespace: "+namespace+"}\nspec:\n  selector",
				"sevenfold-system/sevenfold-gate", f.service,
				"sevenfold-system", namespace,
				admission.ControllersExpression(admission.DefaultControllers()), admission.ControllersExpression(append(admission.DefaultControllers(), f.controllers...)),
				"image: sevenfold:devel", "image: "+quote(f.image),
				"--cluster, default,", "--cluster, "+quote(cluster)+",",
			)...).Replace(string(text))
			if i > 0 {
				replaced = "---\n" + replaced
			}
			if _, err := io.WriteString(w, replaced); err != nil {
				return err
			}
		}
		if f.url == "" {
			_, err := io.WriteString(w, root)
			return err
		}
		return nil
	})
}

// keylessManifests is what makes the gate in the manifests take the certificates of who
// signs keylessly, as the flags name them: what to replace by what, and the
// configuration map of the trusted root. The map of the key is asked for only where a
// key is named too.
func (f *admissionFlags) keylessManifests(namespace string) (replace []string, root string, err error) {
	signers, err := f.by.signers()
	if err != nil || len(signers) == 0 {
		return nil, "", err
	}
	text, err := readSmall(f.by.root, sigstore.MaxRoot)
	if err != nil {
		return nil, "", usage("trusted root: "+err.Error(), "")
	}
	const key = "        - {name: key, mountPath: /etc/sevenfold/key, readOnly: true}\n"
	const keyMap = "      - {name: key, configMap: {name: sevenfold-key}}\n"
	mount := "        - {name: trusted-root, mountPath: /etc/sevenfold/trusted-root, readOnly: true}\n"
	volume := "      - {name: trusted-root, configMap: {name: sevenfold-trusted-root}}\n"
	args := ", --trusted-root, /etc/sevenfold/trusted-root/trusted_root.json"
	for _, s := range signers {
		args += ", --identity, " + quote(s.Identity) + ", --issuer, " + quote(s.Issuer)
	}
	if len(f.keys) > 0 {
		args, mount, volume = ", --key, /etc/sevenfold/key/key.pub"+args, key+mount, keyMap+volume
	}
	root = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: sevenfold-trusted-root, namespace: " + namespace + "}\ndata:\n  trusted_root.json: " + quote(string(text)) + "\n"
	return []string{", --key, /etc/sevenfold/key/key.pub", args, key, mount, keyMap, volume}, root, nil
}

func (f *admissionFlags) clientConfig(namespace, name string) string {
	if f.url != "" {
		return "url: " + quote(f.url)
	}
	return "service: {namespace: " + namespace + ", name: " + name + ", path: " + admission.Path + ", port: 443}"
}

// quote is a text as a YAML string, which a JSON string is.
func quote(text string) string {
	b, _ := json.Marshal(text) // a string always can be
	return string(b)
}

// address is what the API server calls.
func (f *admissionFlags) address() string {
	if f.url != "" {
		return f.url
	}
	return f.service
}

// check holds the flags to what is needed to run.
func (f *admissionFlags) check() error {
	switch {
	case f.certificates == "":
		return usage("no folder with certificates is given", "--certificates DIR names the folder that gate certify writes to")
	case (f.tlsCert == "") != (f.tlsKey == ""):
		return usage("--tls-cert and --tls-key belong together", "give both, or neither to have a certificate made")
	case f.pilots < 0:
		return usage(fmt.Sprintf("--pilots %d is negative", f.pilots), "0 lets nothing be made without a certificate, 5 is the habit")
	case f.pilot < 0:
		return usage(fmt.Sprintf("--pilot %d is negative", f.pilot), "0 lets nothing grow without a certificate, 1 is the habit")
	}
	return nil
}

// run serves until the process is told to stop.
func (f *admissionFlags) run(cmd *cobra.Command, g *globals) error {
	if err := f.check(); err != nil {
		return err
	}
	var keys []crypto.PublicKey
	for _, k := range f.keys {
		key, err := g.certificateKey(k)
		if err != nil {
			return err
		}
		keys = append(keys, key)
	}
	signers, approvers, err := f.named(g)
	if err != nil {
		return err
	}
	if len(keys) == 0 && len(signers) == 0 {
		return usage("no key is given, so no certificate could be trusted", "--key FILE names the public key certificates are signed with; gate.signers of sevenfold.yaml who signs without one")
	}
	hosts, err := admission.HostsOf(f.address())
	if err != nil {
		return asUsage(err)
	}
	level := slog.LevelInfo
	if f.verbose {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(g.stderr, &slog.HandlerOptions{Level: level}))
	client, err := act.New(act.Options{Kubeconfig: f.kubeconfig, Context: f.context, URL: f.url, Held: assess.HeldResources(), Checks: admission.CheckController,
		Failed: func(what string, err error) { log.Warn("the cluster cannot be read", "what", what, "why", err.Error()) }, Tell: func(what string) { log.Warn(what) }})
	if err != nil {
		return asUsage(err)
	}
	cluster := f.cluster
	if cluster == "" {
		cluster = collect.ClusterName(client.ClusterEntry())
	}
	grants := admission.Folder{Dir: f.certificates, Cluster: cluster, Kinds: assess.GrowingKinds(), Trusted: certificate.Trust{Keys: keys, Signers: signers}, Approvers: approvers}
	if _, _, err := grants.Current(cmd.Context()); err != nil {
		return asUsage(err)
	}
	listener, err := net.Listen("tcp", f.listen)
	if err != nil {
		return usage("webhook: "+err.Error(), "--listen HOST:PORT names an address that is free")
	}
	defer listener.Close() //nolint:errcheck // closed by the server
	namespace, _, _ := strings.Cut(f.service, "/")
	gate, err := admission.New(admission.Options{Cluster: assess.GateCluster(client, namespace), Kinds: assess.GrowingKinds(),
		Controllers: append(admission.DefaultControllers(), f.controllers...), Pilots: f.pilots, Grants: grants, Digest: assess.ObjectDigest(cluster), Listener: listener,
		Hosts: hosts, TLSCert: f.tlsCert, TLSKey: f.tlsKey, Unlisted: f.pilot, Log: log, SelfTest: f.selfTest, Lead: f.lead(client), Queues: assess.GateQueues(client)})
	if err != nil {
		return asUsage(err)
	}
	log.Info("starting", "cluster", cluster, "server", client.Host(), "listen", listener.Addr().String(), "webhook", f.address())
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return gate.Run(ctx)
}

// named are who may sign without a key, and the approvers. Where no flag names who
// may sign, sevenfold.yaml does, and then it names the approvers too unless a flag
// does: its signers without its approvers would be half its word.
func (f *admissionFlags) named(g *globals) ([]sigstore.Signer, []ed25519.PublicKey, error) {
	approvers, err := publicKeys(f.approvers)
	if err != nil {
		return nil, nil, err
	}
	if len(f.keys) > 0 || !f.by.none() {
		signers, err := f.by.signers()
		return signers, approvers, err
	}
	s, err := g.scopeOnly()
	if err != nil {
		return nil, nil, err
	}
	if len(approvers) == 0 {
		approvers = s.scope.Gate.Approvers
	}
	signers, err := configured(s.scope)
	return signers, approvers, err
}

// lead is how one of several replicas is elected to write; nil: this one always
// does.
func (f *admissionFlags) lead(client *act.Client) func(context.Context, func(context.Context)) error {
	if !f.elect {
		return nil
	}
	namespace, name, _ := strings.Cut(f.service, "/")
	host, _ := os.Hostname() // only to be told apart by people
	identity := fmt.Sprintf("%s-%d-%x", host, os.Getpid(), time.Now().UnixNano())
	return func(ctx context.Context, leading func(context.Context)) error {
		return client.Lead(ctx, namespace, name, identity, leading)
	}
}

// asUsage is an error the command line can mend.
func asUsage(err error) error {
	what, hint := splitHints(err.Error())
	return usage(what, hint)
}

// publicKeys reads keys given as files or as ed25519:….
func publicKeys(given []string) ([]ed25519.PublicKey, error) {
	var out []ed25519.PublicKey
	for _, k := range given {
		text, where := k, "--key"
		if !strings.HasPrefix(k, "ed25519:") {
			raw, err := os.ReadFile(k)
			if err != nil {
				return nil, usage(err.Error(), "give a public key's file, or ed25519:…")
			}
			text, where = string(raw), k
		}
		key, err := certificate.ParsePublic(text)
		if err != nil {
			return nil, usage(where+": "+err.Error(), "openssl pkey -in KEY.pem -pubout writes the public key")
		}
		out = append(out, key)
	}
	return out, nil
}
