// Package aws reads AWS accounts: every enabled region, several accounts by
// role, everything the catalogue names, and nothing else. It never writes.
//
// The collector is dumb on purpose. Which calls to make and where their
// replies stand is data (package catalog); how a call travels is the client's
// matter; what a configuration means is the provider package's. The collector
// orders the calls, bounds them, and says what it could not read.
package aws

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
	"github.com/sevenfold-sec/sevenfold/collect/aws/catalog"
	"github.com/sevenfold-sec/sevenfold/estate"
)

// Client makes calls to one account with one set of credentials; *api.Client
// is one. Its methods may be called from many goroutines; retries, back-off
// and per-service limits are its own matter.
type Client interface {
	// Pages makes the call and, while the reply says there is more, the next.
	// Replies are spelt as the command line prints them.
	Pages(ctx context.Context, req api.Request) iter.Seq2[json.RawMessage, error]
}

// Resume keeps finished units of work, so that an interrupted run goes on
// where it was. Keys are short printable strings.
type Resume interface {
	Get(key string) (blob []byte, ok bool, err error)
	Put(key string, blob []byte) error
}

// Bounds limits what is read; zero values mean the defaults.
type Bounds struct {
	// History multiplies the catalogue's bounds on things that ended long ago.
	// Default 1.
	History int
	// Answer is how long one answer is waited for. Default 20 seconds, or what
	// the environment's SEVENFOLD_AWS_WAIT says.
	Answer time.Duration
	// RegionDeadline ends the first call to a region. Default Answer.
	RegionDeadline time.Duration
	// Silences is how many calls in a row may get no answer before a region is
	// given up. Default 4.
	Silences int
}

// Options say what to read and how.
type Options struct {
	// Source is the source as the user wrote it; it marks what was read.
	Source string
	// Profile is the profile of the shared configuration; empty: the ambient
	// credentials.
	Profile string
	// Roles are the ARNs of roles to assume, one account each; none: the
	// ambient identity's own account.
	Roles []string
	// Regions to read; none: every region the account has enabled.
	Regions []string
	// Services to read, by the catalogue's names; none: all.
	Services []string
	// Usage asks of every user and role which services and actions it used and
	// when (IAM's last accessed information). It is not asked for by default: for
	// each identity the provider is made to write a report, by an operation that
	// changes nothing and yet begins neither with Get nor with List.
	Usage bool
	// Concurrency is the most calls under way at once. Default 32.
	Concurrency int
	Bounds      Bounds
	// Clock returns the present; nil: time.Now.
	Clock func() time.Time
	// Resume keeps finished units for KeepFor (default 4 hours); nil: nothing is
	// kept.
	Resume  Resume
	KeepFor time.Duration
	// Mask, if set, is put before what is kept and passed on, so that no secret
	// of a configuration is written in clear. Nil: the sink's own matter, and
	// Resume should be nil too.
	Mask func(estate.Sink) estate.Sink
	// Connect returns the client for a role ("" for the ambient identity) and
	// the home region. Nil: the AWS configuration of the machine.
	Connect func(ctx context.Context, role string) (Client, string, error)
	// Catalog is what to read; nil: the one compiled in.
	Catalog *catalog.Catalog
}

// withDefaults fills what was left out.
func (o Options) withDefaults() (Options, error) {
	if o.Source == "" {
		o.Source = "aws"
	}
	if o.Concurrency <= 0 {
		o.Concurrency = 32
	}
	if o.Bounds.History <= 0 {
		o.Bounds.History = 1
	}
	if o.Bounds.Answer <= 0 {
		var err error
		if o.Bounds.Answer, err = answerWait(os.Getenv(waitVariable)); err != nil {
			return o, err
		}
	}
	if o.Bounds.RegionDeadline <= 0 {
		o.Bounds.RegionDeadline = o.Bounds.Answer
	}
	if o.Bounds.Silences <= 0 {
		o.Bounds.Silences = 4
	}
	if o.KeepFor <= 0 {
		o.KeepFor = 4 * time.Hour
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Catalog == nil {
		c, err := catalog.Default()
		if err != nil {
			return o, fmt.Errorf("the catalogue: %w", err)
		}
		o.Catalog = c
	}
	for _, name := range o.Services {
		if !o.knows(name) {
			return o, fmt.Errorf("%s: services: %q is not in the catalogue\nhint: the services are %s", o.Source, name, strings.Join(serviceNames(o.Catalog), ", "))
		}
	}
	return o, nil
}

// waitVariable is of the environment and not of the source: it says how slow the
// way from this machine is, not what is read.
const waitVariable = "SEVENFOLD_AWS_WAIT"

// answerWait is how long an answer is waited for by what the environment says.
func answerWait(said string) (time.Duration, error) {
	if said == "" {
		return 20 * time.Second, nil
	}
	d, err := time.ParseDuration(said)
	if err != nil || d < time.Second || d > time.Hour {
		return 0, fmt.Errorf("%s: %q is not a time between 1s and 1h\nhint: %s=1m where a slow proxy is between here and AWS", waitVariable, said, waitVariable)
	}
	return d, nil
}

// knows reports whether the catalogue has a service.
func (o Options) knows(name string) bool {
	for _, s := range o.Catalog.Services() {
		if s.Service == name {
			return true
		}
	}
	return false
}

// asks reports whether a call that is made only if it is asked for is.
func (o *Options) asks(what string) bool { return what == "usage" && o.Usage }

// serviceNames lists the catalogue's services.
func serviceNames(c *catalog.Catalog) []string {
	var out []string
	for _, s := range c.Services() {
		out = append(out, s.Service)
	}
	return out
}

var (
	regionName = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$`)
	roleARN    = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:role/.+$`)
)

// ParseSource reads a source as the command line writes it:
//
//	aws
//	aws:profile=P,role=ARN+ARN,regions=eu-west-1+us-east-1,services=iam+s3,usage=yes
//
// Keys may repeat, and an item without a key continues the one before it
// (regions=eu-west-1,us-east-1).
func ParseSource(s string) (Options, error) {
	o := Options{Source: s}
	head, rest, _ := strings.Cut(s, ":")
	if head != "aws" {
		return o, fmt.Errorf("source %q is not an aws source", s)
	}
	if rest == "" {
		return o, nil
	}
	key := ""
	for _, item := range strings.Split(rest, ",") {
		name, value, ok := strings.Cut(item, "=")
		if ok {
			key = strings.TrimSpace(name)
		} else {
			value = item
		}
		if err := o.set(key, value); err != nil {
			return o, fmt.Errorf("source %q: %w\nhint: aws:profile=P,role=ARN+ARN,regions=eu-west-1+us-east-1,services=iam+s3,usage=yes", s, err)
		}
	}
	return o, nil
}

// set takes one key of a source.
func (o *Options) set(key, value string) error {
	for _, v := range strings.Split(value, "+") {
		v = strings.TrimSpace(v)
		switch {
		case v == "":
			return fmt.Errorf("%s: empty", key)
		case key == "profile":
			if o.Profile != "" {
				return fmt.Errorf("profile: given twice")
			}
			o.Profile = value
			return nil
		case key == "role":
			if !roleARN.MatchString(v) {
				return fmt.Errorf("role: %q is not the ARN of a role", v)
			}
			o.Roles = append(o.Roles, v)
		case key == "regions" || key == "region":
			if !regionName.MatchString(v) {
				return fmt.Errorf("regions: %q is not a region", v)
			}
			o.Regions = append(o.Regions, v)
		case key == "usage":
			if v != "yes" && v != "no" {
				return fmt.Errorf("usage: %q is neither yes nor no", v)
			}
			o.Usage = v == "yes"
		case key == "services" || key == "service":
			o.Services = append(o.Services, v)
		default:
			return fmt.Errorf("unknown key %q", key)
		}
	}
	return nil
}
