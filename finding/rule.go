package finding

// Rule is what there is to say of a finding that a step gives by itself, where no
// expression over one asset decides it and so no control does.
type Rule struct {
	ID, Step, Title, Asks, Why string
	// Severity is the worst that its findings have; each has its own.
	Severity Severity
	Fix      string
	// InvalidFor says what the question is not asked of.
	InvalidFor []string
	// Attack is what the fault is to an attacker; the zero Attack is nothing.
	Attack Attack
}

// Attack is what a fault is to an attacker. It is declared with the control or the
// rule that finds it, so that a company's own controls take part in attack paths.
type Attack struct {
	// Entry says who may begin at the asset because of the fault: "internet"
	// (whoever sends a packet), "sign-in" (whoever gets past a sign-in the internet
	// meets), "stranger" (another account or project), "leaked-credential" (whoever
	// finds a long-lived credential), "planted" (whoever made a file that was found to
	// run code where it is loaded), "vendor" (whoever makes what is used unexamined), "poisoned-input" (whoever puts something into what a model learns
	// from); empty: nobody.
	Entry string
	// Gives says what they have there: "meeting" (a connection, and no more),
	// "reading" what it holds, "acting" as it (the default) or "changing" it too.
	Gives string
	// Prize says what else the fault makes of the asset: "administrator" rights,
	// all "secrets" of a place, a "credential" in clear, an "ai-service" whole.
	Prize string
	// Door says that it lets in whoever can open a connection to it.
	Door bool
}
