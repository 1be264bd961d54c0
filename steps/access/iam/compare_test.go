package iam

import "testing"

func TestCompare(t *testing.T) {
	cases := []struct{ name, old, new, want string }{
		{"same", `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`, `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`, "no"},
		{"more actions", `{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}`, `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`, "yes"},
		{"fewer actions", `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`, `{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}`, "no"},
		{"split in two", `{"Effect":"Allow","Action":"s3:Get*","Resource":"arn:a/*"},{"Effect":"Allow","Action":"s3:Put*","Resource":"arn:a/*"}`, `{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:a/x*"}`, "no"},
		{"crosswise", `{"Effect":"Allow","Action":"s3:Get*","Resource":"arn:a/*"},{"Effect":"Allow","Action":"s3:Put*","Resource":"arn:b/*"}`, `{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:a/x*"}`, "yes"},
		{"condition dropped", `{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}`, `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`, "yes"},
		{"condition added", `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`, `{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}`, "no"},
		{"deny taken away", `{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Effect":"Deny","Action":"s3:Delete*","Resource":"*"}`, `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`, "yes"},
		{"deny of what was never allowed", `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`, `{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Effect":"Deny","Action":"sqs:*","Resource":"*"}`, "no"},
		{"narrower address", `{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}`, `{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":["10.1.0.0/16","10.2.0.0/16"]}}}`, "no"},
		{"halves make a whole", `{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":["10.0.0.0/9","10.128.0.0/9"]}}}`, `{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}`, "no"},
		{"variable to all", `{"Effect":"Allow","Action":"s3:*","Resource":"arn:b/${aws:username}/*"}`, `{"Effect":"Allow","Action":"s3:*","Resource":"arn:b/*"}`, "yes"},
		{"all to variable", `{"Effect":"Allow","Action":"s3:*","Resource":"arn:b/*"}`, `{"Effect":"Allow","Action":"s3:*","Resource":"arn:b/${aws:username}/*"}`, "no"},
		{"principal opened", `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/r"},"Action":"s3:*","Resource":"*"}`, `{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}`, "yes"},
		{"principal narrowed to a role of the account", `{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"s3:*","Resource":"*"}`, `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/r"},"Action":"s3:*","Resource":"*"}`, "no"},
		{"not action against all", `{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`, `{"Effect":"Allow","Action":"*","Resource":"*"}`, "yes"},
		{"not action covers", `{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`, `{"Effect":"Allow","Action":["s3:*","ec2:*"],"Resource":"*"}`, "no"},
		{"not understood", `{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"Nonsense":{"k":"v"}}}`, `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`, "unknown"},
		{"not understood and all the same", `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`, `{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"Nonsense":{"k":"v"}}}`, "no"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := NewWorld()
			got := w.Compare([]*Policy{w.Parse("old", doc(c.old))}, []*Policy{w.Parse("new", doc(c.new))})
			if got.Broader != c.want {
				t.Errorf("got %+v, want %s", got, c.want)
			}
			if c.want == "yes" && got.Witness == nil {
				t.Error("no witness")
			}
			t.Logf("%+v", got.Witness)
		})
	}
}
