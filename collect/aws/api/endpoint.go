package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// target is where one call goes and how it is signed.
type target struct {
	scheme, host, path string // path: prefix of an endpoint given by hand
	region             string // the region asked
	signRegion         string
	signName           string
	local              bool // an emulator on this machine
	custom             bool // an endpoint given by hand
	bucket             string
	virtual            bool // the bucket is part of the host

	movedTo string        // region S3 says the bucket is in
	skewed  time.Duration // how far the provider's clock is ahead, once known
	secrets []string      // credentials in use, to strike from messages
}

// endpointTable is the model's @endpoints section.
type endpointTable struct {
	Partitions []Partition
	Services   map[string]map[string]map[string]spread
}

// Partition is one of AWS's separate clouds.
type Partition struct {
	// ID as it stands in ARNs: aws, aws-cn, aws-us-gov…
	ID string
	// Home is the region global services are signed for.
	Home string
	// Regions the partition had when the model was made.
	Regions []string

	Regex, Suffix, Dual string
}

type hostRule struct{ H, R, N string }

type spread struct {
	hostRule
	X map[string]hostRule
}

var endpoints = sync.OnceValues(func() (*endpointTable, error) {
	sec, ok := index()["@endpoints"]
	if !ok {
		return nil, fmt.Errorf("model: no endpoints")
	}
	text, err := sec.text()
	if err != nil {
		return nil, err
	}
	t := &endpointTable{}
	return t, json.Unmarshal([]byte(text), t)
})

// PartitionOf gives the partition a region belongs to, by its list of regions
// or else by the pattern of their names; aws if neither knows it.
func PartitionOf(region string) Partition {
	t, err := endpoints()
	if err != nil {
		return Partition{ID: "aws", Home: "us-east-1", Suffix: "amazonaws.com"}
	}
	for _, p := range t.Partitions {
		if slices.Contains(p.Regions, region) {
			return p
		}
	}
	for _, p := range t.Partitions {
		if re, err := regexp.Compile(p.Regex); err == nil && re.MatchString(region) {
			return p
		}
	}
	return t.Partitions[0]
}

// HomeRegion is the region that answers for a global service (IAM,
// Organizations, CloudFront, Route 53…) in the partition of the given region;
// empty when the service is regional.
func HomeRegion(service, region string) string {
	p := PartitionOf(region)
	t, err := endpoints()
	if err != nil {
		return ""
	}
	s, ok := t.Services[service][""][p.ID]
	if !ok || strings.Contains(s.H, "{region}") {
		return ""
	}
	return first(s.R, p.Home)
}

// endpointEnv is what the environment and the profile say about endpoints.
type endpointEnv struct {
	fips, dual bool
	ignore     bool
	byService  func(serviceID string) string
	base       string
}

// readEndpointEnv asks the sources of a configuration what the SDK's own
// service modules would ask them.
func readEndpointEnv(cfg aws.Config) endpointEnv {
	ctx := context.Background()
	var e endpointEnv
	if cfg.BaseEndpoint != nil {
		e.base = *cfg.BaseEndpoint
	}
	var given []interface {
		GetServiceBaseEndpoint(context.Context, string) (string, bool, error)
	}
	for _, src := range cfg.ConfigSources {
		if s, ok := src.(interface {
			GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error)
		}); ok && !e.fips {
			v, found, err := s.GetUseFIPSEndpoint(ctx)
			e.fips = err == nil && found && v == aws.FIPSEndpointStateEnabled
		}
		if s, ok := src.(interface {
			GetUseDualStackEndpoint(context.Context) (aws.DualStackEndpointState, bool, error)
		}); ok && !e.dual {
			v, found, err := s.GetUseDualStackEndpoint(ctx)
			e.dual = err == nil && found && v == aws.DualStackEndpointStateEnabled
		}
		if s, ok := src.(interface {
			GetIgnoreConfiguredEndpoints(context.Context) (bool, bool, error)
		}); ok && !e.ignore {
			v, found, err := s.GetIgnoreConfiguredEndpoints(ctx)
			e.ignore = err == nil && found && v
		}
		if s, ok := src.(interface {
			GetServiceBaseEndpoint(context.Context, string) (string, bool, error)
		}); ok {
			given = append(given, s)
		}
	}
	e.byService = func(id string) string {
		for _, s := range given {
			if v, ok, err := s.GetServiceBaseEndpoint(ctx, id); err == nil && ok && v != "" {
				return v
			}
		}
		return ""
	}
	return e
}

// override is the endpoint given by hand for a service; empty if none is.
func (e endpointEnv) override(svc *service) string {
	if e.ignore {
		return ""
	}
	name := strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToUpper(svc.sid))
	if v := os.Getenv("AWS_ENDPOINT_URL_" + name); v != "" {
		return v
	}
	return first(e.byService(svc.sid), e.base)
}

// resolve finds where a call goes.
func (c *Client) resolve(svc *service, op *operation, req Request) (target, error) {
	region := first(req.Region, c.cfg.Region)
	if region == "" {
		region = PartitionOf("").Home
	}
	if !hostLabel.MatchString(region) {
		return target{}, fmt.Errorf("region %.40q is no region name", region)
	}
	to := target{scheme: "https", region: region, signRegion: region, signName: svc.signing}
	if svc.name == "s3" {
		to.bucket, _ = req.Params["Bucket"].(string)
		if moved, ok := c.buckets.Load(to.bucket); ok && to.bucket != "" {
			to.region, to.signRegion = moved.(string), moved.(string)
		}
	}
	if err := c.rule(svc, &to); err != nil {
		return to, err
	}
	if given := c.env.override(svc); given != "" {
		return to, to.use(given)
	}
	prefix, err := hostPrefix(op, req.Params)
	if err != nil {
		return to, err
	}
	to.host = prefix + to.host
	if svc.name == "s3" && virtualBucket.MatchString(to.bucket) {
		to.host, to.virtual = to.bucket+"."+to.host, true
	}
	return to, nil
}

// use sends the call to an endpoint given by hand. The signature keeps the
// scope the rules gave it.
func (t *target) use(given string) error {
	u, err := url.Parse(given)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("endpoint %.80q is no http(s) URL; correct AWS_ENDPOINT_URL or the profile's endpoint_url", given)
	}
	t.scheme, t.host, t.path, t.custom = u.Scheme, u.Host, strings.TrimSuffix(u.Path, "/"), true
	ip := net.ParseIP(u.Hostname())
	t.local = u.Hostname() == "localhost" || (ip != nil && ip.IsLoopback())
	return nil
}

// rule applies the condensed endpoint rules: the service's own, or
// PREFIX.REGION.SUFFIX.
func (c *Client) rule(svc *service, to *target) error {
	t, err := endpoints()
	if err != nil {
		return err
	}
	p := PartitionOf(to.region)
	variant := ""
	switch {
	case c.env.fips:
		variant = "fips"
	case c.env.dual:
		variant = "dual"
	}
	if svc.name == "s3" || svc.name == "s3control" {
		to.host = bucketHost(svc, p, to.region, c.env)
		return nil
	}
	s, ok := t.Services[svc.name][variant][p.ID]
	if !ok && variant == "" {
		s.H = svc.prefix + ".{region}." + p.Suffix
	} else if !ok {
		return fmt.Errorf("%s has no %s endpoint in partition %s", svc.name, variant, p.ID)
	}
	h := s.hostRule
	if x, ok := s.X[to.region]; ok {
		h = x
	}
	to.host = strings.ReplaceAll(h.H, "{region}", to.region)
	to.signRegion = first(h.R, to.region)
	to.signName = first(h.N, svc.signing)
	return nil
}

// bucketHost is the regional host of S3 or S3 Control.
func bucketHost(svc *service, p Partition, region string, env endpointEnv) string {
	name := map[string]string{"s3": "s3", "s3control": "s3-control"}[svc.name]
	if env.fips {
		name += "-fips"
	}
	if env.dual {
		name += ".dualstack"
	}
	return name + "." + region + "." + p.Suffix
}

var (
	hostLabel = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,62}$`)
	// A bucket whose name has a dot does not fit the certificate of the
	// virtual host.
	virtualBucket = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`)
	hostTemplate  = regexp.MustCompile(`\{([A-Za-z]+)\}`)
)

// hostPrefix fills what an operation puts before its host: "{AccountId}.".
func hostPrefix(op *operation, params map[string]any) (string, error) {
	var err error
	prefix := hostTemplate.ReplaceAllStringFunc(op.hostPrefix, func(m string) string {
		v, _ := params[m[1:len(m)-1]].(string)
		if !hostLabel.MatchString(v) {
			err = fmt.Errorf("parameter %s: %.40q cannot be part of a host name", m[1:len(m)-1], v)
		}
		return v
	})
	return prefix, err
}
