package aws

import (
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// aiWords are words of names, paths and arguments by which a job that moves
// data says that models are what it moves it for. Whole words only: "email"
// and "html" hold "ai" and "ml".
var aiWords = []string{
	"ai", "ml", "mlops", "llm", "llms", "rag", "genai", "sagemaker", "bedrock", "training", "trainingset", "finetune", "finetuning", "inference", "embedding",
	"embeddings", "featurestore", "features", "prompt", "prompts", "vector", "vectors", "vectorstore", "faiss", "pinecone", "qdrant", "weaviate", "milvus", "langchain",
	"huggingface", "transformers", "torch", "pytorch", "tensorflow", "sklearn", "xgboost", "lightgbm", "openai", "anthropic", "mlflow", "corpus",
	"labelling", "labeling",
}

// aiWord finds a word that tells of models in a name, path or argument.
func aiWord(text string) string {
	words := strings.FieldsFunc(strings.ToLower(text), func(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') })
	for i, w := range words {
		if slices.Contains(aiWords, w) {
			return w
		}
		if i > 0 && (words[i-1]+w == "trainingset" || words[i-1] == "fine" && (w == "tune" || w == "tuning") || words[i-1] == "knowledge" && w == "base") {
			return words[i-1] + " " + w
		}
	}
	return ""
}

// glueRoot makes a job the root of a data pipeline if anything of it speaks of
// models. Most Glue jobs load warehouses: one without such a link belongs to a
// workload only if something that belongs to it joins the two.
func glueRoot(r *reading) {
	found := func(what, text string) {
		if w := aiWord(text); w != "" {
			r.root(estate.ClassPipeline, "", "a Glue job moves or transforms data, and its "+what+" says "+w)
		}
	}
	found("name", r.name()+" "+r.cfg.text("Name"))
	found("description", r.cfg.text("Description"))
	found("script", r.cfg.text("Command.ScriptLocation"))
	for _, path := range []string{"DefaultArguments", "NonOverridableArguments"} {
		for name, n := range r.cfg.at(path).members() {
			found("argument "+name, name+" "+n.words())
		}
	}
	tags := r.allTags()
	for _, k := range []string{"workload", "ai", "ai-system", "purpose"} {
		found("tag "+k, tags[k])
	}
}
