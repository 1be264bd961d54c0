package estate

import "strings"

// referenced returns the asset that an id alone tells of: something names it,
// nobody read it. Its type stays empty, for an ARN does not say it.
func referenced(id string) *Asset {
	a := &Asset{ID: id, Referenced: true}
	whole, _, _ := strings.Cut(id, "#")
	switch {
	case strings.HasPrefix(whole, "arn:"):
		a.Cloud = AWS
		// arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE
		if parts := strings.SplitN(whole, ":", 6); len(parts) == 6 {
			a.Region, a.Account, a.Name = parts[3], parts[4], last(parts[5])
		}
	case strings.HasPrefix(whole, "k8s://"):
		a.Cloud = Kubernetes
		// k8s://CLUSTER/NS/KIND[.GROUP]/NAME
		if parts := strings.SplitN(whole[len("k8s://"):], "/", 4); len(parts) == 4 {
			a.Account, a.Region, a.Name = parts[0], parts[1], parts[3]
		}
	case strings.HasPrefix(whole, "terraform://"):
		a.Cloud, a.Name = Terraform, last(whole)
	case strings.HasPrefix(whole, "cloudformation://"): // CloudFormation makes nothing but AWS's
		a.Cloud, a.Name = AWS, last(whole)
	case strings.HasPrefix(strings.ToLower(whole), "/subscriptions/"):
		a.Cloud, a.Name = Azure, last(whole)
		a.Account, _, _ = strings.Cut(whole[len("/subscriptions/"):], "/")
	case strings.HasPrefix(whole, "//"):
		a.Cloud, a.Name = GCP, last(whole)
	}
	if _, part, ok := strings.Cut(id, "#"); ok {
		a.Name = last(part)
	}
	return a
}

// last returns what follows the last slash or colon.
func last(s string) string { return s[strings.LastIndexAny(s, "/:")+1:] }
