package scan

import (
	"bytes"
	"math"
	"path"
	"slices"
	"strings"
)

// Class is a kind of table or document.
type Class struct {
	Name       string  `json:"name"`
	Confidence float64 `json:"confidence"` // from 0 to 1
}

// The classes.
const (
	CustomerRecord        = "customer-record"
	TransactionHistory    = "transaction-history"
	EmployeeCommunication = "employee-communication"
	HealthRecord          = "health-record"
	SourceCode            = "source-code"
	Contract              = "contract"
)

// sign is something that speaks for a class, with how much: the logarithm of
// how many times likelier it is in the class than elsewhere.
type sign struct {
	weight float64
	words  []string // any of them
}

// The signs of each class: in the names of columns, and in free text.
var columnSigns = map[string][]sign{
	CustomerRecord: {{2, []string{"customer", "client", "member", "subscriber", "kunde"}}, {1.5, []string{"first_name", "firstname", "last_name", "lastname", "full_name", "surname"}},
		{1, []string{"email", "phone", "mobile"}}, {1, []string{"name"}}, {1, []string{"address", "street", "city", "zip", "postcode", "postal"}}, {1, []string{"signup", "segment", "loyalty", "birth", "dob", "consent"}}},
	TransactionHistory: {{2, []string{"transaction", "payment", "txn", "posting", "booking"}}, {2, []string{"amount", "debit", "credit", "balance", "betrag"}},
		{1.5, []string{"currency", "merchant", "payee", "iban", "card", "beneficiary"}}, {1, []string{"date", "timestamp", "time", "posted"}}},
	EmployeeCommunication: {{2.5, []string{"from", "sender", "author", "user_id"}}, {2, []string{"to", "recipient", "channel", "cc", "thread_ts", "thread"}},
		{1.5, []string{"subject", "body", "message", "text", "content"}}, {.5, []string{"sent", "ts", "date"}}},
	HealthRecord: {{3, []string{"patient", "mrn", "medical_record", "medicalrecord"}}, {2.5, []string{"diagnosis", "icd", "procedure", "cpt", "symptom"}},
		{2, []string{"medication", "dosage", "prescription", "allergy", "blood", "lab", "vital", "provider", "npi", "admission", "discharge"}}, {.5, []string{"dob", "birth", "sex", "gender"}}},
}

var textSigns = map[string][]sign{
	EmployeeCommunication: {{2, []string{"Subject:", "subject:"}}, {1.5, []string{"From:", "from:"}}, {1, []string{"Hi ", "Hello ", "Dear ", "hey ", "Hey "}},
		{1, []string{"Best regards", "Kind regards", "Thanks,", "Cheers", "Regards"}}, {1, []string{"meeting", "deadline", "let me know", "follow up", "FYI", "please find", "team"}}},
	HealthRecord: {{2, []string{"patient", "Patient"}}, {2, []string{"diagnos", "Diagnos"}}, {1.5, []string{"mg ", "medication", "prescri", "dose"}},
		{1.5, []string{"blood pressure", "history of", "symptoms", "discharge", "admitted", "allerg", "treatment"}}, {1, []string{"MRN", "ICD", "DOB", "Dr."}}},
	Contract: {{2.5, []string{"this Agreement", "This Agreement", "THIS AGREEMENT", "this agreement"}}, {1.5, []string{"hereinafter", "hereby", "herein", "hereto", "WHEREAS", "witnesseth"}},
		{1.5, []string{"shall ", "SHALL "}}, {1.5, []string{"governing law", "Governing Law", "indemnif", "Indemnif", "terminat", "liability", "confidential"}},
		{1, []string{"party", "parties", "Party", "Parties", "Licensor", "Supplier", "Customer"}}},
	CustomerRecord: {{1.5, []string{"customer", "Customer", "client id", "account holder"}}, {1, []string{"Name:", "name:"}}, {1, []string{"Phone:", "Email:", "Address:", "phone:", "email:"}}},
	TransactionHistory: {{1.5, []string{"transaction", "Transaction", "statement", "Statement"}}, {1.5, []string{"balance", "Balance", "debit", "credit", "Debit"}},
		{1, []string{"amount", "Amount", "USD", "EUR", "GBP", "paid"}}},
}

// What must be exceeded, in the same logarithms: two good signs and a little.
const classNeeds = 3.5

// classes names what the object is, the likeliest first.
func (g *gatherer) classes(name string, labels []Label) []Class {
	if g.code.isCode() || codeName(name) {
		return []Class{{SourceCode, .95}}
	}
	score := map[string]float64{}
	if len(g.order) > 1 {
		g.tableSigns(score, labels)
	}
	for _, text := range g.samples() {
		one := map[string]float64{}
		for class, signs := range textSigns {
			for _, s := range signs {
				if hasAny(text, s.words...) {
					one[class] += s.weight
				}
			}
		}
		for class, v := range one {
			score[class] = max(score[class], v)
		}
	}
	var all []Class
	for class, v := range score {
		if v >= classNeeds {
			all = append(all, Class{class, math.Round(100/(1+math.Exp(classNeeds-1-v))) / 100})
		}
	}
	slices.SortFunc(all, func(a, b Class) int {
		if a.Confidence != b.Confidence {
			if a.Confidence > b.Confidence {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return all
}

// samples are the texts in which a class is looked for.
func (g *gatherer) samples() [][]byte {
	all := slices.Clone(g.free.sample[:min(len(g.free.sample), 20)])
	for _, c := range g.order {
		all = append(all, c.sample[:min(len(c.sample), 5)]...)
		if len(all) > 40 {
			break
		}
	}
	return all
}

// tableSigns weighs the names of columns and the labels.
func (g *gatherer) tableSigns(score map[string]float64, labels []Label) {
	names := g.columnNames()
	for class, signs := range columnSigns {
		for _, s := range signs {
			if slices.ContainsFunc(names, func(n string) bool { return nameHas(n, s.words) }) {
				score[class] += s.weight
			}
		}
	}
	has := func(types ...string) bool {
		return slices.ContainsFunc(labels, func(l Label) bool { return slices.Contains(types, l.Type) })
	}
	if has("EMAIL_ADDRESS", "PHONE_NUMBER") {
		score[CustomerRecord] += 1.5
	}
	if has("PERSON") && has("EMAIL_ADDRESS", "PHONE_NUMBER", "LOCATION") {
		score[CustomerRecord]++
	}
	if has("CREDIT_CARD", "IBAN_CODE") {
		score[TransactionHistory]++
	}
	if slices.ContainsFunc(labels, func(l Label) bool { return l.Group == PHI && l.Confidence > .7 }) {
		score[HealthRecord] += 2
	}
}

// nameHas reports whether a column's name holds one of the words; short words
// must be the whole name or a part of it between separators.
func nameHas(name string, words []string) bool {
	for _, w := range words {
		if len(w) > 4 && strings.Contains(name, w) {
			return true
		}
		for part := range strings.FieldsFuncSeq(name, func(r rune) bool { return r == '_' || r == '.' || r == ' ' || r == '-' || r == '[' || r == ']' }) {
			if part == w {
				return true
			}
		}
	}
	return false
}

// codeSigns counts what programs are made of.
type codeSigns struct {
	lines, coded int64
}

var codeWords = [][]byte{[]byte("func "), []byte("def "), []byte("class "), []byte("import "), []byte("#include"), []byte("return "), []byte("const "), []byte("let "),
	[]byte("var "), []byte("public "), []byte("private "), []byte("package "), []byte("if ("), []byte("for ("), []byte("} else"), []byte("elif "), []byte("except "), []byte("fn "), []byte("#!/"), []byte("SELECT "), []byte("export "), []byte("from "),
	[]byte("type "), []byte("case "), []byte("default:"), []byte("defer "), []byte("else"), []byte("for "), []byte("if "), []byte("echo "), []byte("local "), []byte("#define "), []byte("#if"), []byte("{")}

// add looks at the first lines of a piece.
func (k *codeSigns) add(b []byte) {
	if k.lines > 4000 {
		return
	}
	b = b[:min(len(b), 32<<10)]
	for line := range bytes.Lines(b) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		k.lines++
		last := line[len(line)-1]
		switch {
		case last == '{' || last == '}' || last == ';' || last == ')' && bytes.IndexByte(line, '(') > 0 && bytes.IndexByte(line, ' ') < 0,
			last == ':' && bytes.IndexByte(line, '(') > 0, bytes.Contains(line, []byte(" = ")), bytes.Contains(line, []byte(" := ")), bytes.Contains(line, []byte("()")),
			bytes.HasSuffix(line, []byte("},")), bytes.HasSuffix(line, []byte("),")), (last == ')' || last == ',') && called(line), bytes.Contains(line, []byte("${")), bytes.Contains(line, []byte("$(")),
			bytes.HasPrefix(line, []byte("//")), bytes.HasPrefix(line, []byte("*")), bytes.HasPrefix(line, []byte("@")):
			k.coded++
		default:
			for _, w := range codeWords {
				if bytes.HasPrefix(line, w) {
					k.coded++
					break
				}
			}
		}
	}
}

// called reports whether a line holds a call: a parenthesis right behind a name.
func called(line []byte) bool {
	i := bytes.IndexByte(line, '(')
	return i > 0 && is(line[i-1], isAlnum)
}

func (k *codeSigns) isCode() bool { return k.lines >= 5 && k.coded*2 >= k.lines }

// codeName reports whether a name is that of a program's text.
func codeName(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".go", ".py", ".js", ".ts", ".tsx", ".jsx", ".java", ".c", ".h", ".cc", ".cpp", ".hpp", ".cs", ".rb", ".rs", ".php", ".sh", ".swift",
		".kt", ".scala", ".pl", ".lua", ".r", ".m", ".tf", ".ps1", ".proto":
		return true
	}
	return false
}
