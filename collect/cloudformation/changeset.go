package cloudformation

import (
	"fmt"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Removal begins the operation of the blind spot that tells of a resource which a
// change set removes.
const Removal = "remove "

// isChangeSet reports whether a file is what aws cloudformation
// describe-change-set prints.
func isChangeSet(root *node) bool {
	return root.get("Changes").is(list) && (root.get("ChangeSetName") != nil || root.get("ChangeSetId") != nil)
}

// changeSet reads the resources a change set adds or changes, as they will be:
// the command prints them with --include-property-values.
func (r *reader) changeSet(path string, root *node) error {
	resources := &node{kind: object}
	values := false
	name := first(r.opts.Stack, root.get("StackName").str(), nameOf(path))
	for _, c := range root.get("Changes").kids {
		rc := c.get("ResourceChange")
		id, typ, action := rc.get("LogicalResourceId").str(), rc.get("ResourceType").str(), rc.get("Action").str()
		if id == "" || typ == "" {
			continue
		}
		if action == "Remove" {
			r.blind(estate.BlindSpot{Operation: Removal + name + "/" + id, Asset: rc.get("PhysicalResourceId").str(), Status: estate.ReadSkipped,
				Why: fmt.Sprintf("%s/%s (%s): the change set removes it, and what hangs on it is not followed", name, id, typ), Hint: "look at it by hand, or assess the estate afterwards"})
			values = true
			continue
		}
		after := rc.get("AfterContext")
		if after == nil {
			r.blind(estate.BlindSpot{Operation: name + "/" + id, Asset: Unborn + name + "/" + id, Status: estate.ReadFailed, Why: fmt.Sprintf("%s/%s (%s): the change set says nothing of its properties", name, id, typ),
				Hint: "aws cloudformation describe-change-set --include-property-values"})
			continue
		}
		body, err := parse(path, []byte(after.str()))
		if err != nil {
			r.blind(estate.BlindSpot{Operation: name + "/" + id, Status: estate.ReadMalformed, Why: fmt.Sprintf("%s/%s: AfterContext is no JSON", name, id), Hint: "print the change set again"})
			continue
		}
		values = true
		resources.put(id, of(rc.line, "Type", typ, "Properties", body.get("Properties")))
	}
	if !values {
		return &Error{Path: path, What: "the change set says nothing of any property", Mend: "aws cloudformation describe-change-set --include-property-values --change-set-name NAME > changes.json"}
	}
	account, region := "", ""
	if arn := strings.SplitN(root.get("StackId").str(), ":", 6); len(arn) == 6 {
		account, region = arn[4], arn[3]
	}
	r.blind(estate.BlindSpot{Operation: name, Status: estate.ReadSkipped, Why: "a change set shows what changes, not the resources of stack " + name + " that stay as they are", Hint: "read the stack's template, or the account (--source aws)"})
	r.add(path, name, of(root.line, "Resources", resources), first(r.opts.Account, account), first(r.opts.Region, region), nil)
	return nil
}

// afterApply is what a change set writes for what is known only later.
const afterApply = "{{changeSet:KNOWN_AFTER_APPLY}}"
