package scan_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/data/scan"
)

// documents makes n objects of each class, and n of none, with names and words
// chosen at random among several each.
func documents(n int) map[string][]string {
	r := rand.New(rand.NewPCG(21, 22))
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	rows := func(header string, row func() string) string {
		var b strings.Builder
		b.WriteString(header + "\n")
		for range 12 {
			b.WriteString(row() + "\n")
		}
		return b.String()
	}
	person := func() string {
		return pick("Anna", "Bela", "Carl", "Dora", "Eva") + " " + pick("Novak", "Quist", "Rossi", "Santos", "Weber")
	}
	mail := func() string { return fmt.Sprintf("user%d@mail-example.org", r.IntN(1e6)) }
	all := map[string][]string{}
	for range n {
		all[scan.CustomerRecord] = append(all[scan.CustomerRecord], rows(pick("customer_id,first_name,last_name,email,city", "id,full_name,email,phone,postcode", "client,surname,email,street,dob", "member_id,lastname,email,address,segment"),
			func() string {
				return fmt.Sprintf("%d,%s,%s,%s,%s", r.IntN(1e5), pick("Anna", "Bela"), pick("Novak", "Weber"), mail(), pick("Paris", "Wien"))
			}))
		all[scan.TransactionHistory] = append(all[scan.TransactionHistory], rows(pick("transaction_id,date,amount,currency", "txn,posted,amount,merchant", "booking_date,payee,debit,credit", "payment_id,timestamp,amount,iban"),
			func() string {
				return fmt.Sprintf("%d,2024-03-%02d,%d.%02d,%s", r.IntN(1e6), 1+r.IntN(28), r.IntN(900), r.IntN(100), pick("EUR", "USD"))
			}))
		all[scan.HealthRecord] = append(all[scan.HealthRecord], pick(
			rows(pick("patient_id,diagnosis,medication,dob", "mrn,icd,procedure,admission", "patient,diagnosis,dosage,provider"), func() string {
				return fmt.Sprintf("%08d,E11.%d,%s,19%02d-02-03", r.IntN(1e8), r.IntN(9), pick("metformin", "insulin"), r.IntN(99))
			}),
			fmt.Sprintf("The patient %s was admitted with %s. Diagnosis: I10. History of asthma, no known allergies.\nMedication: 5 mg daily, prescribed by Dr. %s; blood pressure was high.", person(), pick("chest pain", "fever"), person())))
		all[scan.EmployeeCommunication] = append(all[scan.EmployeeCommunication], pick(
			fmt.Sprintf("From: %s\nTo: %s\nMessage-ID: <1@x>\nSubject: %s\n\nHi %s,\nplease let me know before the meeting.\nKind regards\n%s", mail(), mail(), pick("budget", "release"), person(), person()),
			rows(pick("from,to,subject,body", "sender,channel,text,ts", "author,recipient,message,sent"), func() string {
				return mail() + "," + mail() + "," + pick("budget", "plan") + ",can we move the call to next week please"
			})))
		all[scan.Contract] = append(all[scan.Contract], fmt.Sprintf("%s AGREEMENT\nThis Agreement is made between %s Ltd (the \"Supplier\") and the Customer. The parties hereby agree:\n1. The Supplier shall %s the goods.\n2. Liability of either party shall be limited.\n3. Governing law: %s. Either party may terminate on notice; all terms are confidential.\n",
			pick("SUPPLY", "SERVICE", "LICENCE"), pick("Acme", "Globex"), pick("deliver", "service"), pick("England", "France")))
		all[scan.SourceCode] = append(all[scan.SourceCode], pick(
			fmt.Sprintf("package main\n\nimport \"fmt\"\n\nfunc f%d(x int) int {\n\ty := x + %d\n\tfmt.Println(y)\n\treturn y\n}\n", r.IntN(99), r.IntN(99)),
			fmt.Sprintf("import os\n\ndef f%d(path):\n    x = os.listdir(path)\n    for y in x:\n        print(y)\n    return len(x)\n", r.IntN(99)),
			"class A {\n  private int x;\n  public int get() {\n    return x;\n  }\n}\n"))
		all[""] = append(all[""], pick(
			rows("sensor,reading,unit", func() string { return fmt.Sprintf("s%d,%d.%d,C", r.IntN(99), r.IntN(50), r.IntN(99)) }),
			rows("label,pixels,split", func() string { return fmt.Sprintf("%d,%d,train", r.IntN(9), r.IntN(784)) }),
			"The weather in spring was mild, and the orchards flowered early. Farmers say that the harvest will be good if rain comes in May.",
			"Soup: chop the onions, add water and salt, and let it boil for twenty minutes; serve with bread.",
			rows("sku,colour,stock", func() string { return fmt.Sprintf("A%d,%s,%d", r.IntN(99), pick("red", "blue"), r.IntN(99)) })))
	}
	return all
}

// Precision and recall of the classes on made-up objects: the likeliest class
// is compared with the one meant.
func TestClasses(t *testing.T) {
	right, said, meant := map[string]int{}, map[string]int{}, map[string]int{}
	for want, texts := range documents(60) {
		for _, text := range texts {
			res := object(t, "object", []byte(text))
			got := ""
			if len(res.Class) > 0 {
				got = res.Class[0].Name
			}
			meant[want]++
			said[got]++
			if got == want {
				right[want]++
			} else if right[want+">"+got]++; right[want+">"+got] < 3 {
				t.Logf("%q said to be %q: %.300q", want, got, text)
			}
		}
	}
	for _, c := range []string{scan.CustomerRecord, scan.TransactionHistory, scan.EmployeeCommunication, scan.HealthRecord, scan.SourceCode, scan.Contract} {
		p, r := float64(right[c])/float64(max(1, said[c])), float64(right[c])/float64(meant[c])
		t.Logf("%-24s precision %.2f recall %.2f", c, p, r)
		if p < .9 || r < .9 {
			t.Errorf("%s: precision %.2f recall %.2f", c, p, r)
		}
	}
}
