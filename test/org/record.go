package org

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// record writes one CloudTrail record. thing is what the call is done to.
func (o *Org) record(p *Principal, a action, thing string, at time.Time, address, agent, failed string) Record {
	o.serial++
	b := make([]byte, 0, 1100)
	add := func(parts ...string) {
		for _, s := range parts {
			b = append(b, s...)
		}
	}
	quoted := func(s string) { b = strconv.AppendQuote(b, s) }
	add(`{"eventVersion":"1.11","userIdentity":`, o.identity(p, agent), `,"eventTime":"`, at.UTC().Format(time.RFC3339), `","eventSource":"`, a.service, `.amazonaws.com","eventName":"`, a.name,
		`","awsRegion":"`, o.regionOf(a), `","sourceIPAddress":"`, address, `","userAgent":`)
	quoted(agent)
	if failed != "" {
		add(`,"errorCode":"`, failed, `"`)
	}
	add(`,"requestParameters":`)
	if shape := o.cfg.Shapes[a.service+":"+a.name]; shape != nil && a.kind != "" && o.rng.IntN(2) == 0 {
		a.params = leading(a.params[0], shape)
	}
	if len(a.params) == 0 {
		add(`null`)
	} else {
		for i, name := range a.params {
			add(map[bool]string{true: "{", false: ","}[i == 0], `"`, name, `":`)
			switch {
			case i == 0 && name == "instancesSet":
				add(`{"items":[{"instanceId":"`, thing, `"}]}`)
			case i == 0 && strings.HasSuffix(name, "s") && name != "databaseName":
				add(`["`, thing, `"]`)
			case i == 0:
				quoted(thing)
			case name == "roleSessionName":
				quoted(p.Session)
			case name == "launchPermission" || name == "createVolumePermission":
				add(`{"add":{"items":[{"userId":"`, o.Partners[int(o.serial)%len(o.Partners)], `"}]}}`)
			default:
				add(`"`, name, `-`, strconv.Itoa(int(o.serial%17)), `"`)
			}
		}
		add(`}`)
	}
	add(`,"responseElements":`, o.response(p, a), `,"requestID":"`, o.eventID(1), `","eventID":"`, o.eventID(2), `","readOnly":`, strconv.FormatBool(a.reads),
		`,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"`, p.Account, `","eventCategory":"Management"`)
	if a.name == "ConsoleLogin" {
		mfa := "Yes"
		if p.User && o.serial%29 == 0 {
			mfa = "No"
		}
		add(`,"additionalEventData":{"LoginTo":"https://console.aws.amazon.com/console/home","MobileVersion":"No","MFAUsed":"`, mfa, `"}`)
	}
	add(`}`)
	return Record{Time: at, Text: b}
}

func (o *Org) response(p *Principal, a action) string {
	switch a.name {
	case "AssumeRole":
		return `{"credentials":{"accessKeyId":"ASIA` + o.upper(16) + `"}}`
	case "ConsoleLogin":
		return `{"ConsoleLogin":"Success"}`
	}
	return "null"
}

func (o *Org) regionOf(a action) string {
	switch a.service {
	case "iam", "organizations", "route53", "cloudfront", "ce", "support", "health":
		return "us-east-1"
	}
	return o.Region
}

// eventID makes an id that no other event of this organisation has.
func (o *Org) eventID(kind uint64) string {
	x := (o.serial*2+kind)*0x9e3779b97f4a7c15 ^ o.cfg.Seed*0xbf58476d1ce4e5b9
	y := o.serial ^ o.cfg.Seed<<32
	return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", uint32(x>>32), uint16(x>>16), x&0xfff, y>>48&0xfff, y&0xffffffffffff)
}

// identity is the userIdentity of a principal.
func (o *Org) identity(p *Principal, agent string) string {
	if p.User {
		return `{"type":"IAMUser","principalId":"` + p.id + `","arn":"` + p.ARN() + `","accountId":"` + p.Account + `","accessKeyId":"AKIA` + p.id[4:20] + `","userName":"` + p.Name + `"}`
	}
	return `{"type":"AssumedRole","principalId":"` + p.id + `:` + p.Session + `","arn":"arn:aws:sts::` + p.Account + `:assumed-role/` + p.Name + `/` + p.Session + `","accountId":"` + p.Account + `","accessKeyId":"ASIA` + p.id[4:20] +
		`","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"` + p.id + `","arn":"` + p.ARN() + `","accountId":"` + p.Account + `","userName":"` + p.Name + `"},"attributes":{"creationDate":"2026-01-01T00:00:00Z","mfaAuthenticated":"false"}}}`
}

// leading puts the parameter that names the thing first.
func leading(first string, shape []string) []string {
	if !slices.Contains(shape, first) {
		return append([]string{first}, shape...)
	}
	out := []string{first}
	for _, s := range shape {
		if s != first {
			out = append(out, s)
		}
	}
	return out
}

// ShapesOf are the parameters of the calls in attacks that ordinary work makes too, one
// set an action; those that are the attack itself (what Telling lists) stay out.
func ShapesOf(attacks []Attack) map[string][]string {
	out := map[string][]string{}
	for _, a := range attacks {
		for _, r := range a.Records {
			params, _ := r["requestParameters"].(map[string]any)
			if len(params) == 0 {
				continue
			}
			service, _, _ := strings.Cut(fmt.Sprint(r["eventSource"]), ".")
			name := fmt.Sprint(r["eventName"])
			var list []string
			for _, p := range slices.Sorted(maps.Keys(params)) {
				if !Telling[service+":"+name+" "+p] {
					list = append(list, p)
				}
			}
			out[service+":"+name] = list
		}
	}
	return out
}

// Telling are parameters that make a call what an attack does with it, and that ordinary
// work of the kind does without.
var Telling = map[string]bool{"ec2:ModifyInstanceAttribute userData": true, "lambda:UpdateFunctionConfiguration20150331v2 layers": true}
