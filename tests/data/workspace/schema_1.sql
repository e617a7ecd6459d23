-- A workspace of schema version 1, written by Quantscope 0.1.0 before version 2 came:
--   quantscope-cli compare model fp32 nf4 --task perplexity kl --data text.txt --chunks 0:2 --workspace study.quantscope
--   sqlite3 study.quantscope .dump
-- with the model stories260K. Only the last two lines were added: .dump leaves out the header's numbers.
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE request (
  id INTEGER PRIMARY KEY,
  document TEXT NOT NULL UNIQUE,
  model TEXT NOT NULL,
  configuration TEXT NOT NULL,
  added TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
) STRICT;
INSERT INTO request VALUES(1,replace('{\n  "configuration": "fp32",\n  "model": "/tmp/study/model",\n  "schema": 1,\n  "tasks": [\n    {\n      "data": "/tmp/study/text.txt",\n      "first_chunk": 0,\n      "last_chunk": 2,\n      "protocol": "",\n      "task": "perplexity"\n    },\n    {\n      "base": "fp32",\n      "data": "/tmp/study/text.txt",\n      "first_chunk": 0,\n      "last_chunk": 2,\n      "protocol": "",\n      "task": "kl"\n    }\n  ]\n}','\n',char(10)),'/tmp/study/model','fp32','2026-11-27T15:33:39Z');
INSERT INTO request VALUES(2,replace('{\n  "configuration": "nf4",\n  "model": "/tmp/study/model",\n  "schema": 1,\n  "tasks": [\n    {\n      "data": "/tmp/study/text.txt",\n      "first_chunk": 0,\n      "last_chunk": 2,\n      "protocol": "",\n      "task": "perplexity"\n    },\n    {\n      "base": "fp32",\n      "data": "/tmp/study/text.txt",\n      "first_chunk": 0,\n      "last_chunk": 2,\n      "protocol": "",\n      "task": "kl"\n    }\n  ]\n}','\n',char(10)),'/tmp/study/model','nf4','2026-11-27T15:33:39Z');
CREATE TABLE run (
  id INTEGER PRIMARY KEY,
  request_id INTEGER NOT NULL REFERENCES request (id) ON DELETE CASCADE,
  key TEXT NOT NULL UNIQUE,
  configuration TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('running', 'finished', 'stopped', 'failed')),
  error_message TEXT NOT NULL DEFAULT '',
  error_where TEXT NOT NULL DEFAULT '',
  checkpoint TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  baseline_note TEXT NOT NULL,
  device TEXT NOT NULL,
  dispatch_level TEXT NOT NULL,
  threads INTEGER NOT NULL,
  program_version TEXT NOT NULL,
  format_rules_version INTEGER NOT NULL,
  imported_from TEXT NOT NULL,
  started TEXT NOT NULL,
  load_seconds REAL NOT NULL DEFAULT 0,
  mapped_bytes INTEGER NOT NULL DEFAULT 0,
  peak_resident_bytes INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO run VALUES(1,1,'e6326eb3abcea42d1b921f7db3ac1203','fp32','finished','','','/tmp/study/model','64410c3987eb86df0e78d889f387ecde','','AMD EPYC','avx512bf16',2,'0.1.0',1,'','2026-11-27T15:33:40Z',0.011422655999999999781,1045707,173875200);
INSERT INTO run VALUES(2,2,'6e4e1af44bd07f675d14021e43c9ef88','nf4','finished','','','/tmp/study/model','64410c3987eb86df0e78d889f387ecde','','AMD EPYC','avx512bf16',2,'0.1.0',1,'','2026-11-27T15:33:41Z',0.00090133900000000002471,1045707,173875200);
CREATE TABLE resolved (
  run_id INTEGER PRIMARY KEY REFERENCES run (id) ON DELETE CASCADE,
  configuration TEXT NOT NULL,
  summary TEXT NOT NULL,
  reasons TEXT NOT NULL,
  memory_warning TEXT NOT NULL,
  as_commonly_reported_bytes INTEGER NOT NULL,
  quantized_values INTEGER NOT NULL,
  bits_per_quantized_weight REAL,
  bits_per_weight REAL
) STRICT;
INSERT INTO resolved VALUES(1,'fp32:compute=fp32,kv=fp32,device=cpu,threads=2,simd=avx512bf16','35 linears of model in FP32, compute FP32, KV cache FP32, cpu with avx512bf16 on 2 threads; weights 0.99 MiB.','["Compute type FP32: that of the weights.","Embedding (also the head): FP32, not quantized.","KL base fp32:compute=fp32,kv=fp32,device=cpu,threads=2,simd=avx512bf16: runs first (2.6 MiB), then its head and hidden states (0.2 MiB) stay beside the model."]','',1040128,0,0.0,32.0);
INSERT INTO resolved VALUES(2,'nf4:block=64,compute=bf16,kv=bf16,device=cpu,threads=2,simd=avx512bf16','35 linears of model in NF4 block 64, compute BF16, KV cache BF16, cpu with avx512bf16 on 2 threads; weights 0.25 MiB.','["Compute type BF16: the default of quantized types.","Embedding (also the head): FP32, not quantized.","KL base fp32:compute=fp32,kv=fp32,device=cpu,threads=2,simd=avx512bf16: runs first (2.6 MiB), then its head and hidden states (0.2 MiB) stay beside the model."]','',180224,226560,4.5,8.0398720157519072415);
CREATE TABLE memory (
  run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  tag TEXT NOT NULL,
  forecast_bytes INTEGER NOT NULL,
  measured_bytes INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (run_id, tag)
) STRICT, WITHOUT ROWID;
INSERT INTO memory VALUES(1,'codes',906240,906240);
INSERT INTO memory VALUES(1,'embedding',131072,131072);
INSERT INTO memory VALUES(1,'head',0,0);
INSERT INTO memory VALUES(1,'kv_cache',655360,655360);
INSERT INTO memory VALUES(1,'norms',2816,2816);
INSERT INTO memory VALUES(1,'padding',0,0);
INSERT INTO memory VALUES(1,'scales',0,0);
INSERT INTO memory VALUES(1,'unquantized',0,0);
INSERT INTO memory VALUES(1,'workspace',1269504,2035712);
INSERT INTO memory VALUES(2,'codes',113280,113280);
INSERT INTO memory VALUES(2,'embedding',131072,131072);
INSERT INTO memory VALUES(2,'head',0,0);
INSERT INTO memory VALUES(2,'kv_cache',327680,327680);
INSERT INTO memory VALUES(2,'norms',2816,2816);
INSERT INTO memory VALUES(2,'padding',0,0);
INSERT INTO memory VALUES(2,'scales',14160,14160);
INSERT INTO memory VALUES(2,'unquantized',0,0);
INSERT INTO memory VALUES(2,'workspace',1269504,2101760);
CREATE TABLE tensor (
  run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  format TEXT NOT NULL,
  row_count INTEGER NOT NULL,
  column_count INTEGER NOT NULL,
  codes_bytes INTEGER NOT NULL,
  scales_bytes INTEGER NOT NULL,
  relative_error REAL,
  sqnr_db REAL,
  cosine REAL,
  max_absolute_error REAL,
  mean_absolute_error REAL,
  PRIMARY KEY (run_id, position)
) STRICT, WITHOUT ROWID;
INSERT INTO tensor VALUES(1,0,'model.embed_tokens.weight','FP32',512,64,131072,0,0.0,1e999,1.0,0.0,0.0);
INSERT INTO tensor VALUES(1,1,'model.layers.0.self_attn.q_proj.weight','FP32',64,64,16384,0,0.0,1e999,1.0,0.0,0.0);
INSERT INTO tensor VALUES(1,2,'model.layers.0.self_attn.k_proj.weight','FP32',32,64,8192,0,0.0,1e999,1.000000000000000222,0.0,0.0);
INSERT INTO tensor VALUES(1,3,'model.layers.0.self_attn.v_proj.weight','FP32',32,64,8192,0,0.0,1e999,1.0,0.0,0.0);
INSERT INTO tensor VALUES(1,4,'model.layers.0.self_attn.o_proj.weight','FP32',64,64,16384,0,0.0,1e999,1.000000000000000222,0.0,0.0);
INSERT INTO tensor VALUES(1,5,'model.layers.0.mlp.gate_proj.weight','FP32',172,64,44032,0,0.0,1e999,1.0,0.0,0.0);
INSERT INTO tensor VALUES(1,6,'model.layers.0.mlp.up_proj.weight','FP32',172,64,44032,0,0.0,1e999,1.0,0.0,0.0);
INSERT INTO tensor VALUES(1,7,'model.layers.0.mlp.down_proj.weight','FP32',64,172,44032,0,0.0,1e999,1.0,0.0,0.0);
INSERT INTO tensor VALUES(1,8,'model.layers.1.self_attn.q_proj.weight','FP32',64,64,16384,0,0.0,1e999,1.000000000000000222,0.0,0.0);
INSERT INTO tensor VALUES(1,9,'model.layers.1.self_attn.k_proj.weight','FP32',32,64,8192,0,0.0,1e999,0.99999999999999988897,0.0,0.0);
INSERT INTO tensor VALUES(1,10,'model.layers.1.self_attn.v_proj.weight','FP32',32,64,8192,0,0.0,1e999,1.0,0.0,0.0);
INSERT INTO tensor VALUES(1,11,'model.layers.1.self_attn.o_proj.weight','FP32',64,64,16384,0,0.0,1e999,0.99999999999999988897,0.0,0.0);
INSERT INTO tensor VALUES(1,12,'model.layers.1.mlp.gate_proj.weight','FP32',172,64,44032,0,0.0,1e999,1.0,0.0,0.0);
INSERT INTO tensor VALUES(1,13,'model.layers.1.mlp.up_proj.weight','FP32',172,64,44032,0,0.0,1e999,0.99999999999999977795,0.0,0.0);
INSERT INTO tensor VALUES(1,14,'model.layers.1.mlp.down_proj.weight','FP32',64,172,44032,0,0.0,1e999,1.0,0.0,0.0);
INSERT INTO tensor VALUES(1,15,'model.layers.2.self_attn.q_proj.weight','FP32',64,64,16384,0,0.0,1e999,1.000000000000000222,0.0,0.0);
INSERT INTO tensor VALUES(1,16,'model.layers.2.self_attn.k_proj.weight','FP32',32,64,8192,0,0.0,1e999,0.99999999999999977795,0.0,0.0);
INSERT INTO tensor VALUES(1,17,'model.layers.2.self_attn.v_proj.weight','FP32',32,64,8192,0,0.0,1e999,0.99999999999999988897,0.0,0.0);
INSERT INTO tensor VALUES(1,18,'model.layers.2.self_attn.o_proj.weight','FP32',64,64,16384,0,0.0,1e999,1.000000000000000222,0.0,0.0);
INSERT INTO tensor VALUES(1,19,'model.layers.2.mlp.gate_proj.weight','FP32',172,64,44032,0,0.0,1e999,1.0,0.0,0.0);
INSERT INTO tensor VALUES(1,20,'model.layers.2.mlp.up_proj.weight','FP32',172,64,44032,0,0.0,1e999,1.0,0.0,0.0);
INSERT INTO tensor VALUES(1,21,'model.layers.2.mlp.down_proj.weight','FP32',64,172,44032,0,0.0,1e999,1.0,0.0,0.0);
INSERT INTO tensor VALUES(1,22,'model.layers.3.self_attn.q_proj.weight','FP32',64,64,16384,0,0.0,1e999,1.0,0.0,0.0);
INSERT INTO tensor VALUES(1,23,'model.layers.3.self_attn.k_proj.weight','FP32',32,64,8192,0,0.0,1e999,1.000000000000000222,0.0,0.0);
INSERT INTO tensor VALUES(1,24,'model.layers.3.self_attn.v_proj.weight','FP32',32,64,8192,0,0.0,1e999,1.0,0.0,0.0);
INSERT INTO tensor VALUES(1,25,'model.layers.3.self_attn.o_proj.weight','FP32',64,64,16384,0,0.0,1e999,1.000000000000000222,0.0,0.0);
INSERT INTO tensor VALUES(1,26,'model.layers.3.mlp.gate_proj.weight','FP32',172,64,44032,0,0.0,1e999,1.000000000000000222,0.0,0.0);
INSERT INTO tensor VALUES(1,27,'model.layers.3.mlp.up_proj.weight','FP32',172,64,44032,0,0.0,1e999,0.99999999999999988897,0.0,0.0);
INSERT INTO tensor VALUES(1,28,'model.layers.3.mlp.down_proj.weight','FP32',64,172,44032,0,0.0,1e999,1.000000000000000222,0.0,0.0);
INSERT INTO tensor VALUES(1,29,'model.layers.4.self_attn.q_proj.weight','FP32',64,64,16384,0,0.0,1e999,0.99999999999999988897,0.0,0.0);
INSERT INTO tensor VALUES(1,30,'model.layers.4.self_attn.k_proj.weight','FP32',32,64,8192,0,0.0,1e999,1.000000000000000222,0.0,0.0);
INSERT INTO tensor VALUES(1,31,'model.layers.4.self_attn.v_proj.weight','FP32',32,64,8192,0,0.0,1e999,1.000000000000000222,0.0,0.0);
INSERT INTO tensor VALUES(1,32,'model.layers.4.self_attn.o_proj.weight','FP32',64,64,16384,0,0.0,1e999,1.000000000000000222,0.0,0.0);
INSERT INTO tensor VALUES(1,33,'model.layers.4.mlp.gate_proj.weight','FP32',172,64,44032,0,0.0,1e999,1.0,0.0,0.0);
INSERT INTO tensor VALUES(1,34,'model.layers.4.mlp.up_proj.weight','FP32',172,64,44032,0,0.0,1e999,1.000000000000000222,0.0,0.0);
INSERT INTO tensor VALUES(1,35,'model.layers.4.mlp.down_proj.weight','FP32',64,172,44032,0,0.0,1e999,1.0,0.0,0.0);
INSERT INTO tensor VALUES(2,0,'model.embed_tokens.weight','FP32',512,64,131072,0,0.0,1e999,1.0,0.0,0.0);
INSERT INTO tensor VALUES(2,1,'model.layers.0.self_attn.q_proj.weight','NF4 block 64',64,64,2048,256,0.090870611541996951232,20.831530984361531721,0.99586439155347961094,0.15638381242752075195,0.01450118298019376084);
INSERT INTO tensor VALUES(2,2,'model.layers.0.self_attn.k_proj.weight','NF4 block 64',32,64,1024,128,0.090411927025358634901,20.875485483496110106,0.99591632142671238092,0.14089363813400268554,0.013505451191818451661);
INSERT INTO tensor VALUES(2,3,'model.layers.0.self_attn.v_proj.weight','NF4 block 64',32,64,1024,128,0.10140426305552920072,19.878875735837727489,0.99484655271180033597,0.029673710465431213378,0.0036837551556863079582);
INSERT INTO tensor VALUES(2,4,'model.layers.0.self_attn.o_proj.weight','NF4 block 64',64,64,2048,256,0.095026811250307166578,20.443076876272058938,0.99549582322766205777,0.035492360591888427734,0.0044231669853731503394);
INSERT INTO tensor VALUES(2,5,'model.layers.0.mlp.gate_proj.weight','NF4 block 64',172,64,5504,688,0.093472447964113733465,20.586327667146015584,0.99563572323545046494,0.09235337376594543457,0.0089429568020254757154);
INSERT INTO tensor VALUES(2,6,'model.layers.0.mlp.up_proj.weight','NF4 block 64',172,64,5504,688,0.091834036117679748723,20.739926559305974507,0.99578541837790768287,0.058383613824844360351,0.0083541473939406692833);
INSERT INTO tensor VALUES(2,7,'model.layers.0.mlp.down_proj.weight','NF4 block 64',64,172,5504,688,0.09226650793872566425,20.699118321197733649,0.99574810321023476955,0.069492578506469726562,0.0089399271115405860854);
INSERT INTO tensor VALUES(2,8,'model.layers.1.self_attn.q_proj.weight','NF4 block 64',64,64,2048,256,0.089854922161460723528,20.92916255384678692,0.99596315601649043625,0.21715533733367919921,0.016951125713122516813);
INSERT INTO tensor VALUES(2,9,'model.layers.1.self_attn.k_proj.weight','NF4 block 64',32,64,1024,128,0.090648088725237177532,20.85282696757099785,0.99591505353963061253,0.17297208309173583984,0.014096045260743039762);
INSERT INTO tensor VALUES(2,10,'model.layers.1.self_attn.v_proj.weight','NF4 block 64',32,64,1024,128,0.096077306205459886423,20.347583641766767924,0.99538005420343567131,0.025547072291374206542,0.0037026593262265983241);
INSERT INTO tensor VALUES(2,11,'model.layers.1.self_attn.o_proj.weight','NF4 block 64',64,64,2048,256,0.091929892743985081038,20.730864931620512693,0.99576808051438825408,0.02957540750503540039,0.0038058414554189567979);
INSERT INTO tensor VALUES(2,12,'model.layers.1.mlp.gate_proj.weight','NF4 block 64',172,64,5504,688,0.091303059422715091009,20.79029339386132591,0.99585119115588816018,0.071666538715362548828,0.010019128029967428253);
INSERT INTO tensor VALUES(2,13,'model.layers.1.mlp.up_proj.weight','NF4 block 64',172,64,5504,688,0.093823448544905457824,20.553772166106242026,0.99559977548080558218,0.061241567134857177734,0.0081934841654375083208);
INSERT INTO tensor VALUES(2,14,'model.layers.1.mlp.down_proj.weight','NF4 block 64',64,172,5504,688,0.092688634153759441591,20.659470349890121099,0.99569605143990469464,0.074773252010345458984,0.0082918220509023803088);
INSERT INTO tensor VALUES(2,15,'model.layers.2.self_attn.q_proj.weight','NF4 block 64',64,64,2048,256,0.091238192334363504842,20.796466556243604628,0.99583204937789571165,0.15726882219314575195,0.013287482644030568224);
INSERT INTO tensor VALUES(2,16,'model.layers.2.self_attn.k_proj.weight','NF4 block 64',32,64,1024,128,0.087481660185770304671,21.161659674398698883,0.99616614425859140169,0.12970769405364990234,0.010861469836193293758);
INSERT INTO tensor VALUES(2,17,'model.layers.2.self_attn.v_proj.weight','NF4 block 64',32,64,1024,128,0.094556462247959896516,20.486175698573457991,0.99553049329081522156,0.025864869356155395507,0.0045878064845230603907);
INSERT INTO tensor VALUES(2,18,'model.layers.2.self_attn.o_proj.weight','NF4 block 64',64,64,2048,256,0.092370219719768248411,20.689360466512276559,0.99572785070742053648,0.037699222564697265625,0.0049975592634248222623);
INSERT INTO tensor VALUES(2,19,'model.layers.2.mlp.gate_proj.weight','NF4 block 64',172,64,5504,688,0.090762866572875272597,20.841835924071251185,0.99588198690432971904,0.066536843776702880859,0.0090283067643527475931);
INSERT INTO tensor VALUES(2,20,'model.layers.2.mlp.up_proj.weight','NF4 block 64',172,64,5504,688,0.092185772434612456294,20.706722019259530044,0.99575089709957465,0.063973009586334228515,0.0087410711024955255188);
INSERT INTO tensor VALUES(2,21,'model.layers.2.mlp.down_proj.weight','NF4 block 64',64,172,5504,688,0.092795476374421523302,20.649463888017436374,0.99572956286729130681,0.07307299971580505371,0.0090733206954973933539);
INSERT INTO tensor VALUES(2,22,'model.layers.3.self_attn.q_proj.weight','NF4 block 64',64,64,2048,256,0.086382327918498452712,21.271501926461464648,0.99626552172675431062,0.22737038135528564453,0.013262091342253867765);
INSERT INTO tensor VALUES(2,23,'model.layers.3.self_attn.k_proj.weight','NF4 block 64',32,64,1024,128,0.086228060326895561438,21.287027662146083884,0.99627872551802620915,0.13290905952453613281,0.011593609566384943665);
INSERT INTO tensor VALUES(2,24,'model.layers.3.self_attn.v_proj.weight','NF4 block 64',32,64,1024,128,0.096962912448936081077,20.267886963905318963,0.99531633241331518568,0.033263295888900756835,0.0054141835035661500796);
INSERT INTO tensor VALUES(2,25,'model.layers.3.self_attn.o_proj.weight','NF4 block 64',64,64,2048,256,0.095564357465073745956,20.394081117352488518,0.99542571409676749993,0.052818417549133300781,0.0060277835171778093581);
INSERT INTO tensor VALUES(2,26,'model.layers.3.mlp.gate_proj.weight','NF4 block 64',172,64,5504,688,0.09148158118413311779,20.773326751526745681,0.99581939241011308006,0.075408577919006347656,0.00886474053489187154);
INSERT INTO tensor VALUES(2,27,'model.layers.3.mlp.up_proj.weight','NF4 block 64',172,64,5504,688,0.091362669844158694854,20.784624354984728711,0.99583861431246212259,0.058811604976654052734,0.0091742628794733941527);
INSERT INTO tensor VALUES(2,28,'model.layers.3.mlp.down_proj.weight','NF4 block 64',64,172,5504,688,0.093467034868262910407,20.586830691466623476,0.99563838679497129735,0.073365330696105957031,0.0096808973246806720447);
INSERT INTO tensor VALUES(2,29,'model.layers.4.self_attn.q_proj.weight','NF4 block 64',64,64,2048,256,0.090497199914236436946,20.867297162991832238,0.99589903715882388546,0.1574217081069946289,0.010685316305781511481);
INSERT INTO tensor VALUES(2,30,'model.layers.4.self_attn.k_proj.weight','NF4 block 64',32,64,1024,128,0.091098792751900761754,20.809747565844496364,0.99584630446910649137,0.13149738311767578125,0.0095530171947610931226);
INSERT INTO tensor VALUES(2,31,'model.layers.4.self_attn.v_proj.weight','NF4 block 64',32,64,1024,128,0.096640931071140190322,20.296777891282008709,0.99532024420755360605,0.047227799892425537109,0.0078534473875873089809);
INSERT INTO tensor VALUES(2,32,'model.layers.4.self_attn.o_proj.weight','NF4 block 64',64,64,2048,256,0.096226843893638572269,20.334075164519852308,0.99538055399052083327,0.062108814716339111328,0.0090549153913608293464);
INSERT INTO tensor VALUES(2,33,'model.layers.4.mlp.gate_proj.weight','NF4 block 64',172,64,5504,688,0.092424743829852953891,20.684234889413684044,0.99574016562407652308,0.066042661666870117187,0.0089317067521876170738);
INSERT INTO tensor VALUES(2,34,'model.layers.4.mlp.up_proj.weight','NF4 block 64',172,64,5504,688,0.092568212666952226497,20.670762433391786315,0.99571007358340246629,0.068389177322387695312,0.0096694497758910893242);
INSERT INTO tensor VALUES(2,35,'model.layers.4.mlp.down_proj.weight','NF4 block 64',64,172,5504,688,0.091952161003549165441,20.728761195644011649,0.99577961374960488605,0.094469785690307617187,0.0098691924652850974986);
CREATE TABLE speed (
  run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  figure TEXT NOT NULL,
  median REAL,
  minimum REAL,
  maximum REAL,
  PRIMARY KEY (run_id, figure)
) STRICT, WITHOUT ROWID;
CREATE TABLE evaluation (
  id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  task TEXT NOT NULL,
  key TEXT NOT NULL,
  protocol TEXT NOT NULL,
  scorer TEXT NOT NULL,
  data_name TEXT NOT NULL,
  data_hash TEXT NOT NULL,
  notes TEXT NOT NULL,
  text_tokens INTEGER NOT NULL,
  seconds REAL NOT NULL DEFAULT 0,
  UNIQUE (run_id, task)
) STRICT;
INSERT INTO evaluation VALUES(1,1,'perplexity','ac4dfb939a3f87a660463eddce2c4f7f','ppl-llama.cpp-512','lm-eval','text.txt','7b2813b0bbd7ffdf9b09c6ec5b1e5cab','[]',5055,0.42311655900000000318);
INSERT INTO evaluation VALUES(2,2,'perplexity','5fdfcfeefd6e861a30e7555454027f52','ppl-llama.cpp-512','lm-eval','text.txt','7b2813b0bbd7ffdf9b09c6ec5b1e5cab','[]',5055,2.9435421919999997797);
CREATE TABLE answer (
  evaluation_id INTEGER NOT NULL REFERENCES evaluation (id) ON DELETE CASCADE,
  story_index INTEGER NOT NULL,
  question_index INTEGER NOT NULL,
  story TEXT NOT NULL,
  source TEXT NOT NULL,
  turn INTEGER NOT NULL,
  prediction TEXT NOT NULL,
  reference_answers TEXT NOT NULL,
  f1_lm_eval REAL NOT NULL,
  em_lm_eval REAL NOT NULL,
  f1_official REAL NOT NULL,
  em_official REAL NOT NULL,
  f1_max REAL NOT NULL,
  em_max REAL NOT NULL,
  prompt_tokens INTEGER NOT NULL,
  computed_tokens INTEGER NOT NULL,
  generated_tokens INTEGER NOT NULL,
  cut_left INTEGER NOT NULL,
  stop TEXT NOT NULL,
  smallest_margin REAL,
  PRIMARY KEY (evaluation_id, story_index, question_index)
) STRICT, WITHOUT ROWID;
CREATE TABLE chunk (
  evaluation_id INTEGER NOT NULL REFERENCES evaluation (id) ON DELETE CASCADE,
  chunk_index INTEGER NOT NULL,
  nll_sum REAL,
  nll_square_sum REAL,
  scored_tokens INTEGER NOT NULL,
  PRIMARY KEY (evaluation_id, chunk_index)
) STRICT, WITHOUT ROWID;
INSERT INTO chunk VALUES(1,0,915.72093549465364507,5314.7996418430238918,255);
INSERT INTO chunk VALUES(1,1,952.21334086886963632,5629.7894456129261016,255);
INSERT INTO chunk VALUES(2,0,890.51507727762225386,4998.3028371901855281,255);
INSERT INTO chunk VALUES(2,1,914.51832617453510465,5136.6259000150412249,255);
CREATE INDEX run_of_request ON run (request_id);
CREATE INDEX evaluation_of_key ON evaluation (key);
COMMIT;
PRAGMA application_id=1366516592;
PRAGMA user_version=1;
