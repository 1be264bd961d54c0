package data

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// answer is yes, no, or unknown.
type answer int

const (
	unknown answer = iota
	yes
	no
)

// held asks whether a store has a control; why says by which setting, or what was not
// read.
func (w *World) held(control string, n estate.Node) (got answer, why string) {
	f := w.facts(n)
	if f.a.Referenced {
		return unknown, "its configuration was not read"
	}
	if control == scope.DataMasking {
		return w.masked(f)
	}
	switch f.a.Type {
	case "AWS::S3::Bucket":
		return w.bucketHas(control, f)
	case "AWS::RDS::DBInstance", "AWS::RDS::DBCluster", "AWS::DocDB::DBCluster", "AWS::DocDB::DBInstance", "AWS::Neptune::DBCluster", "AWS::Neptune::DBInstance", "AWS::Redshift::Cluster":
		return w.databaseHas(control, f)
	case "AWS::DynamoDB::Table":
		return w.tableHas(control, f)
	case "AWS::Logs::LogGroup":
		return w.logHas(control, f)
	case "AWS::EFS::FileSystem":
		return w.filesHave(control, f)
	}
	return unknown, "no reading of " + control + " is built for " + f.a.Type
}

func (w *World) bucketHas(control string, f facts) (answer, string) {
	switch control {
	case scope.DataEncryption, scope.DataCompanyKey:
		const key = "GetBucketEncryption"
		if !f.known(key) {
			return unknown, key + " was not read"
		}
		for _, r := range f.list(key + ".ServerSideEncryptionConfiguration.Rules") {
			by := object(object(r)["ApplyServerSideEncryptionByDefault"])
			if textOf(by, "SSEAlgorithm") == "" {
				continue
			}
			if control == scope.DataEncryption {
				return yes, key + ": " + textOf(by, "SSEAlgorithm")
			}
			return w.companyKey(textOf(by, "KMSMasterKeyID"), key)
		}
		return no, key + ": no default encryption"
	case scope.DataPrivate:
		return w.bucketPrivate(f)
	case scope.DataVersioning:
		const key = "GetBucketVersioning"
		if !f.known(key) {
			return unknown, key + " was not read"
		}
		if f.text(key+".Status") == "Enabled" {
			return yes, key + ": Enabled"
		}
		return no, key + ": not enabled"
	case scope.DataAccessLog:
		return w.bucketLogged(f)
	case scope.DataBackup:
		const key = "GetBucketReplication"
		if !f.known(key) {
			return unknown, key + " was not read"
		}
		for _, r := range f.list(key + ".ReplicationConfiguration.Rules") {
			if textOf(object(r), "Status") == "Enabled" {
				return yes, key + ": replicated to " + textOf(object(object(r)["Destination"]), "Bucket")
			}
		}
		return unknown, "it is not replicated, and what AWS Backup protects is not read"
	}
	return unknown, "no such control"
}

// companyKey tells whether a key is one the company manages.
func (w *World) companyKey(key, where string) (answer, string) {
	switch {
	case key == "":
		return no, where + ": a key of the provider's"
	case strings.Contains(key, "alias/aws/"):
		return no, where + ": the provider's key " + key
	}
	for _, id := range []string{key} {
		if n, ok := w.snap.Find(id); ok {
			f := w.facts(n)
			for _, at := range []string{"KeyManager", "KeyMetadata.KeyManager", "DescribeKey.KeyMetadata.KeyManager"} {
				if m := f.text(at); m != "" {
					if m == "CUSTOMER" {
						return yes, where + ": " + key
					}
					return no, where + ": the provider's key " + key
				}
			}
		}
	}
	return unknown, where + ": whose key " + key + " is was not read"
}

func (w *World) bucketPrivate(f facts) (answer, string) {
	block := func(f facts, at string) bool {
		b := object(f.at(at))
		if at == "" {
			b = f.cfg
		}
		return truthOf(b, "IgnorePublicAcls") && truthOf(b, "RestrictPublicBuckets")
	}
	if f.known("GetPublicAccessBlock") && block(f, "GetPublicAccessBlock.PublicAccessBlockConfiguration") {
		return yes, "GetPublicAccessBlock: public access is restricted"
	}
	account := unknown
	if n, ok := w.index.blocks[f.a.Account]; ok {
		switch af := w.facts(n); {
		case af.known("") && block(af, ""):
			return yes, "the account restricts public access"
		case af.known(""):
			account = no
		}
	}
	public := ""
	unread := []string{}
	if !f.known("GetBucketPolicyStatus") {
		unread = append(unread, "GetBucketPolicyStatus")
	} else if truthOf(object(f.at("GetBucketPolicyStatus.PolicyStatus")), "IsPublic") {
		public = "its policy is public"
	}
	if !f.known("GetBucketAcl") {
		unread = append(unread, "GetBucketAcl")
	}
	for _, g := range f.list("GetBucketAcl.Grants") {
		if uri := textOf(object(object(g)["Grantee"]), "URI"); strings.HasSuffix(uri, "/AllUsers") || strings.HasSuffix(uri, "/AuthenticatedUsers") {
			public = "its access control list names everyone"
		}
	}
	switch {
	case public != "" && account == no:
		return no, public
	case public != "":
		return unknown, public + ", and whether the account restricts that was not read"
	case len(unread) > 0:
		return unknown, strings.Join(unread, ", ") + " not read"
	}
	return yes, "neither policy nor access control list is public"
}

func (w *World) bucketLogged(f facts) (answer, string) {
	logged := f.text("GetBucketLogging.LoggingEnabled.TargetBucket")
	if logged != "" {
		return yes, "GetBucketLogging: to " + logged
	}
	on, why := w.dataEvents(f.a)
	switch {
	case on == yes:
		return yes, why
	case !f.known("GetBucketLogging"):
		return unknown, "GetBucketLogging was not read"
	case on == unknown:
		return unknown, why
	}
	return no, "no access log, and no trail records its data events"
}

// dataEvents reports whether a trail of the estate records who reads objects of a
// bucket.
func (w *World) dataEvents(bucket *estate.Asset) (answer, string) {
	trails, unread := 0, ""
	for _, n := range w.index.trails {
		trails++
		a, f := w.snap.Asset(n), w.facts(n)
		if !f.known("GetEventSelectors") || !f.known("GetTrailStatus") {
			unread = a.ID
			continue
		}
		home, all := f.text("HomeRegion"), truthOf(f.cfg, "IsMultiRegionTrail")
		if a.Account != bucket.Account && !truthOf(f.cfg, "IsOrganizationTrail") || !all && home != bucket.Region {
			continue
		}
		if !truthOf(object(f.at("GetTrailStatus")), "IsLogging") {
			continue
		}
		if selects(f, bucket.ID) {
			return yes, "data events by " + a.ID
		}
	}
	switch {
	case unread != "":
		return unknown, "what " + unread + " records was not read"
	case trails == 0 && !w.snap.Covered("AWS::CloudTrail::Trail", bucket.Account, bucket.Region):
		return unknown, "trails were not listed"
	}
	return no, "no trail records its data events"
}

// selects reports whether a trail's selectors record reads of a bucket's objects.
func selects(f facts, bucket string) bool {
	holds := func(values []any) bool {
		return slices.ContainsFunc(values, func(v any) bool {
			s, _ := v.(string)
			return s != "" && strings.HasPrefix(bucket+"/", s)
		})
	}
	for _, e := range f.list("GetEventSelectors.EventSelectors") {
		for _, r := range listOf(object(e), "DataResources") {
			if textOf(object(r), "Type") == "AWS::S3::Object" && textOf(object(e), "ReadWriteType") != "WriteOnly" && holds(listOf(object(r), "Values")) {
				return true
			}
		}
	}
	for _, e := range f.list("GetEventSelectors.AdvancedEventSelectors") {
		var objects, bound, named bool
		for _, s := range listOf(object(e), "FieldSelectors") {
			m := object(s)
			switch field := textOf(m, "Field"); field {
			case "resources.type":
				objects = slices.Contains(listOf(m, "Equals"), any("AWS::S3::Object"))
			case "resources.ARN":
				bound, named = true, holds(listOf(m, "StartsWith")) && len(listOf(m, "NotStartsWith")) == 0
			case "eventCategory":
			default: // readOnly, eventName and others record a part
				bound = true
			}
		}
		if objects && (!bound || named) {
			return true
		}
	}
	return false
}

func listOf(m map[string]any, name string) []any {
	l, _ := m[name].([]any)
	return l
}

func (w *World) databaseHas(control string, f facts) (answer, string) {
	if !f.known("") {
		return unknown, "its description was not read"
	}
	flag := func(names ...string) (answer, string) {
		for _, name := range names {
			if v, ok := f.cfg[name].(bool); ok {
				if v {
					return yes, name + ": true"
				}
				return no, name + ": false"
			}
		}
		return unknown, names[0] + " is not told"
	}
	switch control {
	case scope.DataEncryption:
		return flag("StorageEncrypted", "Encrypted")
	case scope.DataCompanyKey:
		if on, why := flag("StorageEncrypted", "Encrypted"); on != yes {
			return on, why
		}
		return w.companyKey(f.text("KmsKeyId"), "KmsKeyId")
	case scope.DataPrivate:
		got, why := flag("PubliclyAccessible")
		switch got {
		case yes:
			return no, why
		case no:
			return yes, why
		}
		return got, why
	case scope.DataVersioning, scope.DataBackup:
		for _, name := range []string{"BackupRetentionPeriod", "AutomatedSnapshotRetentionPeriod"} {
			if days, ok := numberOf(f.cfg[name]); ok {
				if days > 0 {
					return yes, fmt.Sprintf("%s: %.0f days", name, days)
				}
				return no, name + ": 0"
			}
		}
		return unknown, "BackupRetentionPeriod is not told"
	case scope.DataAccessLog:
		if len(f.list("EnabledCloudwatchLogsExports")) > 0 {
			return yes, "EnabledCloudwatchLogsExports"
		}
		return no, "EnabledCloudwatchLogsExports: none"
	}
	return unknown, "no such control"
}

func (w *World) tableHas(control string, f facts) (answer, string) {
	if !f.known("") {
		return unknown, "its description was not read"
	}
	switch control {
	case scope.DataEncryption:
		return yes, "DynamoDB encrypts every table"
	case scope.DataCompanyKey:
		if f.text("SSEDescription.SSEType") != "KMS" {
			return no, "SSEDescription: a key of the provider's"
		}
		return w.companyKey(f.text("SSEDescription.KMSMasterKeyArn"), "SSEDescription")
	case scope.DataPrivate:
		if !f.known("GetResourcePolicy") {
			return unknown, "GetResourcePolicy was not read"
		}
		if f.at("GetResourcePolicy") == nil {
			return yes, "it has no policy of its own"
		}
		return unknown, "who its policy lets in is the access step's to say"
	case scope.DataVersioning, scope.DataBackup:
		if !f.known("DescribeContinuousBackups") {
			return unknown, "DescribeContinuousBackups was not read"
		}
		if f.text("DescribeContinuousBackups.ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus") == "ENABLED" {
			return yes, "point-in-time recovery"
		}
		return no, "no point-in-time recovery"
	case scope.DataAccessLog:
		return unknown, "data events of tables are not read in this version"
	}
	return unknown, "no such control"
}

func (w *World) logHas(control string, f facts) (answer, string) {
	if !f.known("") {
		return unknown, "its description was not read"
	}
	switch control {
	case scope.DataEncryption:
		return yes, "CloudWatch encrypts every log group"
	case scope.DataCompanyKey:
		return w.companyKey(f.text("kmsKeyId"), "kmsKeyId")
	case scope.DataPrivate:
		return yes, "a log group is open to identities of AWS only; which, the access step says"
	}
	return unknown, "no reading of " + control + " is built for log groups"
}

func (w *World) filesHave(control string, f facts) (answer, string) {
	if !f.known("") {
		return unknown, "its description was not read"
	}
	switch control {
	case scope.DataEncryption, scope.DataCompanyKey:
		if !truthOf(f.cfg, "Encrypted") {
			return no, "Encrypted: false"
		}
		if control == scope.DataEncryption {
			return yes, "Encrypted: true"
		}
		return w.companyKey(f.text("KmsKeyId"), "KmsKeyId")
	}
	return unknown, "no reading of " + control + " is built for file systems"
}
