package access

import (
	"context"
	"fmt"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
)

// Question asks whether somebody may do something (`access can`, `access
// who-can`).
type Question struct {
	// Principal is an ARN, a service's name, a Kubernetes subject, or an
	// unambiguous end of one. WhoCan does not look at it.
	Principal string
	// Action as the provider spells it, or a pattern: "s3:GetObject",
	// "k8s:get:/secrets".
	Action string
	// Resource is an id of an asset or of something in one, an unambiguous end of
	// such an id, or a pattern.
	Resource string
	// Context holds values of condition keys. A key that is there with no value
	// is absent from the request; one that is not there is open.
	Context map[string][]string
	// Explain asks for the text of the statements that decide.
	Explain bool
}

// Reason is a statement that decides.
type Reason struct {
	// Policy, Statement, Effect and Layer are as iam.Reason has them; for a
	// cluster the binding, and the role's rule.
	Policy    string `json:"policy"`
	Statement string `json:"statement"`
	Effect    string `json:"effect"`
	Layer     string `json:"layer,omitempty"`
	// Text is the statement as it is written, if that was asked for.
	Text string `json:"text,omitempty"`
}

// Answer is the answer to a Question.
type Answer struct {
	Decision iam.Decision `json:"decision"`
	Because  []Reason     `json:"because"`
	// Conditions a conditional answer hangs on, "operator key".
	Conditions []string `json:"conditions,omitempty"`
	// Witness is an allowed request: condition keys with a string or a list of
	// strings. A key that is not there is absent from the request, or fixed by
	// the estate.
	Witness map[string]any `json:"witness,omitempty"`
	// Action and Resource are those of the witness where patterns were asked for.
	Action   string `json:"action,omitempty"`
	Resource string `json:"resource,omitempty"`
	// Unknown says what an unknown answer hangs on, Assumed what was taken for
	// absent without having been looked for.
	Unknown []string `json:"unknown,omitempty"`
	Assumed []string `json:"assumed,omitempty"`
}

// Holder is one principal who may do what was asked.
type Holder struct {
	Principal string       `json:"principal"`
	Decision  iam.Decision `json:"decision"`
	Because   []Reason     `json:"because"`
	// Class is that of Grant.Class; Owner is who answers for it, empty if nobody
	// is known to.
	Class string `json:"class,omitempty"`
	Owner string `json:"owner,omitempty"`
	// Conditions and Unknown are as an Answer has them.
	Conditions []string `json:"conditions,omitempty"`
	Unknown    []string `json:"unknown,omitempty"`
}

// Evaluator decides questions about one kind of provider. Others are added
// without change to who asks.
type Evaluator interface {
	// Decides reports whether an action is one of its provider's.
	Decides(action string) bool
	// Can decides. The error is an *Asking if the question names what is not
	// there or is not one, else a fault of the store.
	Can(context.Context, Question) (Answer, error)
	// WhoCan lists who would not be refused in every case, by principal. Errors
	// are those of Can.
	WhoCan(context.Context, Question) ([]Holder, error)
	// Unlisted says of whom WhoCan cannot know that they may, since not everybody
	// was read; empty if all were.
	Unlisted() []string
}

// Asking says what is wrong with a question.
type Asking struct {
	What string // in words
	Mend string // the next thing to try
}

// Error implements error.
func (e *Asking) Error() string { return e.What }

// Hint says how to ask instead.
func (e *Asking) Hint() string { return e.Mend }

// Config says that the question, and not the estate, is at fault.
func (e *Asking) Config() bool { return true }

// Evaluators are asked in order; the first that decides an action answers.
type Evaluators []Evaluator

// For finds who decides an action.
func (all Evaluators) For(action string) (Evaluator, error) {
	for _, e := range all {
		if e.Decides(action) {
			return e, nil
		}
	}
	return nil, &Asking{What: fmt.Sprintf("%q is no action of a provider whose rights are decided", action),
		Mend: "actions are written SERVICE:Name as AWS does (s3:GetObject), or k8s:VERB:GROUP/RESOURCE"}
}

// ReadContext reads conditions written K=V: a key that repeats has several
// values, and "K=" says that it is absent. The error is an *Asking.
func ReadContext(words []string) (map[string][]string, error) {
	out := map[string][]string{}
	for _, w := range words {
		key, value, ok := strings.Cut(w, "=")
		if !ok || strings.TrimSpace(key) == "" {
			return nil, &Asking{What: fmt.Sprintf("--context %q is not KEY=VALUE", w), Mend: "--context aws:SourceIp=192.0.2.1; KEY= says that the key is absent"}
		}
		had, again := out[key]
		if again && (value == "" || len(had) == 0) {
			return nil, &Asking{What: fmt.Sprintf("--context says of %s both that it is absent and that it has a value", key), Mend: "leave one of them out"}
		}
		if value == "" {
			out[key] = []string{}
			continue
		}
		out[key] = append(had, value)
	}
	return out, nil
}
