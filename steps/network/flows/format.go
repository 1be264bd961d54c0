package flows

import (
	"fmt"
	"slices"
	"strings"
)

// field is a column of a flow log that is read; the others are passed over.
type field uint8

const (
	fieldOther field = iota
	fieldInterface
	fieldAttachment // of a transit gateway's log
	fieldSource
	fieldDest
	fieldPacketSource
	fieldPacketDest
	fieldSourcePort
	fieldDestPort
	fieldProtocol
	fieldPackets
	fieldBytes
	fieldStart
	fieldEnd
	fieldAction
	fieldStatus
	fieldFlags
	fieldDirection
	fieldVPC
	fieldSubnet
	fieldInstance
	fieldSourceService
	fieldDestService
	fieldCount
)

// vpcFields are all fields of VPC flow logs to version 10, and those of
// transit gateways' (version 6), by what they are here.
// https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
// https://docs.aws.amazon.com/vpc/latest/tgw/tgw-flow-logs.html
var vpcFields = func() map[string]field {
	m := map[string]field{
		"interface-id": fieldInterface, "tgw-attachment-id": fieldAttachment,
		"srcaddr": fieldSource, "dstaddr": fieldDest, "pkt-srcaddr": fieldPacketSource, "pkt-dstaddr": fieldPacketDest,
		"srcport": fieldSourcePort, "dstport": fieldDestPort, "protocol": fieldProtocol,
		"packets": fieldPackets, "bytes": fieldBytes, "start": fieldStart, "end": fieldEnd,
		"action": fieldAction, "log-status": fieldStatus, "tcp-flags": fieldFlags, "flow-direction": fieldDirection,
		"vpc-id": fieldVPC, "subnet-id": fieldSubnet, "instance-id": fieldInstance,
		"pkt-src-aws-service": fieldSourceService, "pkt-dst-aws-service": fieldDestService,
	}
	for _, name := range strings.Fields(`version account-id type region az-id sublocation-type sublocation-id
		traffic-path ecs-cluster-arn ecs-cluster-name
		ecs-container-instance-arn ecs-container-instance-id ecs-container-id ecs-second-container-id
		ecs-service-name ecs-task-definition-arn ecs-task-arn ecs-task-id reject-reason resource-id
		encryption-status resource-type tgw-id tgw-src-vpc-account-id tgw-dst-vpc-account-id tgw-src-vpc-id
		tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id tgw-src-eni tgw-dst-eni tgw-src-az-id tgw-dst-az-id
		tgw-pair-attachment-id packets-lost-no-route packets-lost-blackhole packets-lost-mtu-exceeded
		packets-lost-ttl-expired`) {
		m[name] = fieldOther
	}
	return m
}()

// defaultFormat is the one of version 2.
const defaultFormat = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"

// format is the order of fields in a line.
type format struct {
	columns []field
	has     [fieldCount]bool
}

// parseFormat reads a header line or a LogFormat. It must at least say who
// sent what to whom and when.
func parseFormat(text string) (*format, error) {
	names := strings.Fields(text)
	if len(names) > 200 {
		return nil, fmt.Errorf("a format of %d fields; flow logs have at most 60", len(names))
	}
	f := &format{}
	for _, n := range names {
		n = strings.TrimSuffix(strings.TrimPrefix(n, "${"), "}")
		known, ok := vpcFields[n]
		if !ok && !plausible(n) {
			return nil, fmt.Errorf("%.40q is no field of a flow log", n)
		}
		if known != fieldOther && f.has[known] {
			return nil, fmt.Errorf("field %s stands twice", n)
		}
		f.has[known] = true
		f.columns = append(f.columns, known)
	}
	if missing := f.lacks(); missing != "" {
		return nil, fmt.Errorf("the format lacks %s, without which a record does not say who spoke to whom", missing)
	}
	return f, nil
}

// plausible says whether a name may be a field of a later version.
func plausible(name string) bool {
	return name != "" && len(name) < 64 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" && name[0] >= 'a'
}

// lacks names what a format needs and has not.
func (f *format) lacks() string {
	var out []string
	either := func(what string, fields ...field) {
		if !slices.ContainsFunc(fields, func(x field) bool { return f.has[x] }) {
			out = append(out, what)
		}
	}
	either("srcaddr", fieldSource, fieldPacketSource)
	either("dstaddr", fieldDest, fieldPacketDest)
	either("dstport", fieldDestPort)
	either("protocol", fieldProtocol)
	either("start", fieldStart, fieldEnd)
	return strings.Join(out, ", ")
}

// isHeader says whether a line names fields rather than holding values: its
// first word and at least half of all are names of fields.
func isHeader(line []byte) bool {
	if len(line) == 0 || line[0] < 'a' || line[0] > 'z' || len(line) > 4096 {
		return false
	}
	first, _, _ := strings.Cut(string(line[:min(len(line), 64)]), " ")
	if _, ok := vpcFields[first]; !ok {
		return false
	}
	names := strings.Fields(string(line))
	known := 0
	for _, n := range names {
		if _, ok := vpcFields[n]; ok {
			known++
		}
	}
	return known*2 >= len(names)
}
