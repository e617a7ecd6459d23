#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what jinja2, set up as transformers sets it up, makes of chat templates.

    venv/bin/pip install jinja2==3.1.6 gguf
    venv/bin/python tests/data/chat_templates/make_chat_templates.py SHARED DEFAULT_MODEL.gguf

constructs.json holds templates written here with their texts; published.json the texts that the templates of published
tokenizers (SHARED/data/tokenizers/*/tokenizer_config.json) and of the default model give, not the templates.
"""
import json
import pathlib
import sys

import jinja2
from gguf import GGUFReader
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

HERE = pathlib.Path(__file__).parent


class Generation(jinja2.ext.Extension):
    """transformers' AssistantTracker, which leaves the text as it is."""
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.Scope(body).set_lineno(line)


def environment():
    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    made = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    made.filters["tojson"] = tojson
    made.globals["raise_exception"] = raise_exception
    return made


ENVIRONMENT = environment()
U, A, S = (lambda text, role=role: dict(role=role, content=text) for role in ("user", "assistant", "system"))
TOOL = dict(type="function", function=dict(name="weather", description="Says the weather: \"now\" \u00fc", parameters=dict(type="object", properties=dict(city=dict(type="string")), required=["city"])))
CALL = dict(role="assistant", content="", tool_calls=[dict(id="abcdefghi", type="function", function=dict(name="weather", arguments=dict(city="K\u00f6ln", days=3, exact=True, scale=1.5, none=None, list=[1, 2])))])
CONVERSATIONS = [
    [U("Hello")],
    [S("Be brief."), U("Hello")],
    [S("  Be brief.  "), U(" Two\nlines "), A(" Yes. "), U("And \u4e2d\u6587 \U0001f600?")],
    [U("a"), A("b"), U("c"), A("<think>\nhm\n</think>\n\nd"), U("e")],
    [U("x"), A("y")],
    [U("Weather?"), CALL, dict(role="tool", content="sunny", name="weather", tool_call_id="abcdefghi"), A("It is sunny.")],
    [S("s"), U("Weather?"), CALL, dict(role="tool", content="one"), dict(role="tool", content="two"), U("Thanks")],
]

FAMILIES = {
    "roles in turn, square brackets": """{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token}}{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}""",
    "turns with a renamed role": """{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}{% for message in messages %}{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}{% endif %}{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}{% if add_generation_prompt %}{{'<start_of_turn>model\n'}}{% endif %}""",
    "tags by role": """{% for message in messages %}{% if message['role'] == 'system' and message['content'] %}{{'<|system|>\n' + message['content'] + '<|end|>\n'}}{% elif message['role'] == 'user' %}{{'<|user|>\n' + message['content'] + '<|end|>\n'}}{% elif message['role'] == 'assistant' %}{{'<|assistant|>\n' + message['content'] + '<|end|>\n'}}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}""",
    "modes in a header": """{# defaults #}
{%- if enable_thinking is not defined -%}
    {%- set enable_thinking = true -%}
{%- endif -%}
{%- set mode = "/think" if enable_thinking else "/no_think" -%}
{{- "<|im_start|>system\\n" -}}
{%- if messages[0].role == "system" -%}
    {%- set system_message = messages[0].content -%}
    {%- if "/no_think" in system_message -%}
        {%- set mode = "/no_think" -%}
    {%- elif "/think" in system_message -%}
        {%- set mode = "/think" -%}
    {%- endif -%}
    {%- set instructions = system_message.replace("/no_think", "").replace("/think", "").rstrip() -%}
{%- endif -%}
{%- if "/system_override" in system_message -%}
    {{- instructions.replace("/system_override", "").rstrip() -}}
    {{- "<|im_end|>\\n" -}}
{%- else -%}
    {{- "## Metadata\\n\\n" -}}
    {{- "Reasoning Mode: " + mode + "\\n\\n" -}}
    {{- "## Custom Instructions\\n\\n" -}}
    {%- if instructions -%}
        {{- instructions + "\\n\\n" -}}
    {%- elif mode == "/think" -%}
        {{- "Think first.\\n\\n" -}}
    {%- else -%}
        {{- "Answer at once.\\n\\n" -}}
    {%- endif -%}
    {%- if xml_tools or python_tools or tools -%}
        {{- "### Tools\\n\\n" -}}
        {%- if xml_tools or tools -%}
            {%- if tools -%}
                {%- set xml_tools = tools -%}
            {%- endif -%}
            {%- set ns = namespace(text="<tools>\\n") -%}
            {%- for tool in xml_tools[:] -%}
                {%- set ns.text = ns.text ~ (tool | tojson) ~ "\\n" -%}
            {%- endfor -%}
            {{- ns.text + "</tools>\\n" -}}
        {%- endif -%}
    {%- endif -%}
    {{- "<|im_end|>\\n" -}}
{%- endif -%}
{%- for message in messages -%}
    {%- set content = message.content if message.content is string else "" -%}
    {%- if message.role == "user" -%}
        {{ "<|im_start|>" + message.role + "\\n" + content + "<|im_end|>\\n" }}
    {%- elif message.role == "assistant" -%}
        {%- generation -%}
        {%- if mode == "/think" -%}
            {{ "<|im_start|>assistant\\n" + content.lstrip("\\n") + "<|im_end|>\\n" }}
        {%- else -%}
            {{ "<|im_start|>assistant\\n" + "<think>\\n\\n</think>\\n" + content.lstrip("\\n") + "<|im_end|>\\n" }}
        {%- endif -%}
        {%- endgeneration -%}
    {%- elif message.role == "tool" -%}
        {{ "<|im_start|>" + "user\\n" + content + "<|im_end|>\\n" }}
    {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {%- if mode == "/think" -%}
        {{ "<|im_start|>assistant\\n" }}
    {%- else -%}
        {{ "<|im_start|>assistant\\n" + "<think>\\n\\n</think>\\n" }}
    {%- endif -%}
{%- endif -%}
""",
    "tools with namespaces": """{%- if messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}
{%- if not tools is defined %}
    {%- set tools = none %}
{%- endif %}
{%- set user_messages = loop_messages | selectattr("role", "equalto", "user") | list %}
{#- Roles are checked first. #}
{%- set ns = namespace() %}
{%- set ns.index = 0 %}
{%- for message in loop_messages %}
    {%- if not (message.role == "tool" or message.role == "tool_results" or (message.tool_calls is defined and message.tool_calls is not none)) %}
        {%- if (message["role"] == "user") != (ns.index % 2 == 0) %}
            {{- raise_exception("roles must alternate") }}
        {%- endif %}
        {%- set ns.index = ns.index + 1 %}
    {%- endif %}
{%- endfor %}
{{- bos_token }}
{%- for message in loop_messages %}
    {%- if message["role"] == "user" %}
        {%- if tools is not none and (message == user_messages[-1]) %}
            {{- "[AVAILABLE_TOOLS] [" }}
            {%- for tool in tools %}
                {%- set tool = tool.function %}
                {{- '{"type": "function", "function": {' }}
                {%- for key, val in tool.items() if key != "return" %}
                    {%- if val is string %}
                        {{- '"' + key + '": "' + val + '"' }}
                    {%- else %}
                        {{- '"' + key + '": ' + val|tojson }}
                    {%- endif %}
                    {%- if not loop.last %}
                        {{- ", " }}
                    {%- endif %}
                {%- endfor %}
                {{- "}}" }}
                {%- if not loop.last %}
                    {{- ", " }}
                {%- else %}
                    {{- "]" }}
                {%- endif %}
            {%- endfor %}
            {{- "[/AVAILABLE_TOOLS]" }}
        {%- endif %}
        {%- if loop.last and system_message is defined %}
            {{- "[INST] " + system_message + "\\n\\n" + message["content"] + "[/INST]" }}
        {%- else %}
            {{- "[INST] " + message["content"] + "[/INST]" }}
        {%- endif %}
    {%- elif message.tool_calls is defined and message.tool_calls is not none %}
        {{- "[TOOL_CALLS] [" }}
        {%- for tool_call in message.tool_calls %}
            {%- set out = tool_call.function|tojson %}
            {{- out[:-1] }}
            {%- if not tool_call.id is defined or tool_call.id|length != 9 %}
                {{- raise_exception("Tool call IDs should be alphanumeric strings with length 9!") }}
            {%- endif %}
            {{- ', "id": "' + tool_call.id + '"}' }}
            {%- if not loop.last %}
                {{- ", " }}
            {%- else %}
                {{- "]" + eos_token }}
            {%- endif %}
        {%- endfor %}
    {%- elif message["role"] == "assistant" %}
        {{- " " + message["content"]|trim + eos_token}}
    {%- elif message["role"] == "tool_results" or message["role"] == "tool" %}
        {%- if message.content is defined and message.content.content is defined %}
            {%- set content = message.content.content %}
        {%- else %}
            {%- set content = message.content %}
        {%- endif %}
        {{- '[TOOL_RESULTS] {"content": ' + content|string + "}[/TOOL_RESULTS]" }}
    {%- else %}
        {{- raise_exception("Only user and assistant roles are supported, with the exception of an initial optional system message!") }}
    {%- endif %}
{%- endfor %}
""",
    "thoughts cut from old answers": """{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" and message.content is string and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.multi_step_tool = false %}
        {%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.content is string %}
        {%- set content = message.content %}
    {%- else %}
        {%- set content = '' %}
    {%- endif %}
    {%- if message.role == "assistant" %}
        {%- set reasoning_content = '' %}
        {%- if message.reasoning_content is string %}
            {%- set reasoning_content = message.reasoning_content %}
        {%- elif '</think>' in content %}
            {%- set reasoning_content = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
        {%- endif %}
        {%- if loop.index0 > ns.last_query_index and (loop.last or (not loop.last and reasoning_content)) %}
            {{- '<|im_start|>' + message.role + '\\n<think>\\n' + reasoning_content.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\\n' + content }}
        {%- endif %}
        {%- for tool_call in message.tool_calls %}
            {%- if (loop.first and content) or (not loop.first) %}{{- '\\n' }}{%- endif %}
            {%- if tool_call.function %}{%- set tool_call = tool_call.function %}{%- endif %}
            {{- '<tool_call>\\n{"name": "' ~ tool_call.name ~ '", "arguments": ' }}
            {%- if tool_call.arguments is string %}{{- tool_call.arguments }}{%- else %}{{- tool_call.arguments | tojson }}{%- endif %}
            {{- '}\\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
    {%- else %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}
""",
}

SNIPPETS = [
    # white space
    "a\n  {% if true %}\n  b\n  {% endif %}\nc\n", "  {%- if true -%}  x  {%- endif -%}  y", "a {{- ' b ' -}} c", "{# c #}\nx{#- c -#}  y", "  {%+ if true %}x{% endif +%}\ny", "a\r\nb\rc\n\n",
    "{% if true %}\n\n{% endif %}\n", "{{ 1 }}\n  {{ 2 }}\n", "  {# c #}\n  z", "{% for i in [1,2] %}\n  {{ i }}\n{% endfor %}\n", "x{% if 1 %}\n  {% if 1 %}y{% endif %}{% endif %}", "{{ 1 }}  {% if 1 %}a{% endif %}", "\t{%- set x = 1 -%}\n\n {{ x }}", "{ {{ '{' }} } {x", "100% {",
    # literals
    "{{ 'a\\nb\\t\\'\\\"\\\\' }}", '{{ "\\u00e9\\x41\\q" }}', "{{ 'a' \"b\" }}", "{{ 42 }} {{ 1.5 }} {{ 2.0 }} {{ 1e3 if false else 10.25 }}", "{{ true }} {{ False }} {{ none }} {{ None }}", "{{ [1, 'a', ][1] }} {{ (1, 2)[0] }} {{ {'a': {'b': 3}}.a.b }} {{ {'a': 1}['a'] }}", "{{ () | length }}{{ (1,) | length }}{{ (1) }}",
    # operators
    "{{ 1 + 2 * 3 - 4 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 6 / 2 }}", "{{ 'a' + 'b' ~ 1 ~ none ~ true ~ 2.5 }}", "{{ -3 | abs }} {{ - 3 }} {{ +3 }} {{ 1 - -1 }}", "{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 'a' < 'b' }} {{ 2 >= 2.0 }} {{ 1 == true }} {{ 'a' != 'b' }}", "{{ not true }} {{ not '' and 1 }} {{ 0 or 'x' }} {{ 1 and 2 }}",
    "{{ 'b' in 'abc' }} {{ 'x' not in 'abc' }} {{ 2 in [1, 2] }} {{ 'a' in {'a': 1} }} {{ 1 in (1, 2) }} {{ 'z' in nothing }}", "{{ 'x' if 0 else 'y' }}{{ 'x' if 0 }}|{{ 'a' if true else 'b' if true else 'c' }}", "{{ [1] + [2, 3] == [1, 2, 3] }} {{ {'a': 1} == {'a': 1.0} }} {{ none == none }} {{ nothing == other }}", "{{ (2 + 3) ~ 'x' }}",
    # slices
    "{{ 'h\u00e9llo'[1] }}{{ 'h\u00e9llo'[-1] }} {{ 'hello'[1:3] }} {{ 'hello'[::-1] }} {{ 'hello'[:-1] }} {{ 'hello'[10:] }}|{{ 'hello'[-3:] }} {{ 'hello'[::2] }} {{ 'hello'[4:1:-1] }}", "{{ [1,2,3][1:] | tojson }} {{ [1,2,3][::-1] | tojson }} {{ [1,2,3][-2:] | tojson }} {{ [1][5] is defined }} {{ [1,2,3][:none] | tojson }}",
    # statements
    "{% if a is defined %}a{% elif 1 > 2 %}b{% elif 2 > 1 %}c{% else %}d{% endif %}", "{% for x in [] %}x{% else %}none{% endfor %}", "{% for x in [1,2,3] %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.previtem }}{{ loop.nextitem }};{% endfor %}",
    "{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}={{ v }}{{ ',' if not loop.last }}{% endfor %}", "{% for k in {'a': 1, 'b': 2} %}{{ k }}{% endfor %}{% for c in 'h\u00e9' %}[{{ c }}]{% endfor %}", "{% for x in range(5) if x is odd %}{{ x }}{{ loop.index }} {% endfor %}", "{% for x in range(10) %}{% if x == 2 %}{% continue %}{% endif %}{% if x == 5 %}{% break %}{% endif %}{{ x }}{% endfor %}",
    "{% set x = 1 %}{% for i in [1,2] %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}", "{% set ns = namespace(a=1, b='c') %}{% for i in [1,2] %}{% set ns.a = ns.a + i %}{% endfor %}{{ ns.a }}{{ ns.b }}{{ ns.c is defined }}", "{% set x %}  <{{ 1 + 1 }}>{% endset %}[{{ x }}]", "{% set a, b = [1, 2] %}{{ a }}{{ b }}", "{% for a, b in [[1, 2], [3, 4]] %}{{ a }}-{{ b }} {% endfor %}",
    "{% for i in [1,2] %}{% for j in [3,4] %}{{ loop.index }}{{ i }}{{ j }} {% endfor %}{{ loop.index }};{% endfor %}", "{% generation %}a{% endgeneration %}b", "{% for x in nothing %}{{ x }}{% endfor %}|{{ nothing }}|{{ nothing | length }}", "{% if messages %}yes{% endif %}{% if not nothing %}no{% endif %}",
    # filters
    "[{{ '  a b\\n ' | trim }}]{{ 'xxaxx' | trim('x') }}", "{{ 'aB c' | upper }} {{ 'aB' | lower }} {{ 'hELLO wORLD' | capitalize }} {{ 'hello wORLD' | title }}", "{{ [1, 'a', none] | join(', ') }} {{ ['a', 'b'] | join }}", "{{ nothing | default('d') }} {{ '' | default('d') }}|{{ '' | default('d', true) }} {{ nothing | d('e') }} {{ none | default('d') }}", "{{ [1,2,3] | first }}{{ [1,2,3] | last }}{{ 'abc' | first }}{{ 'abc' | last }}{{ 'abc' | length }}{{ {'a': 1} | count }}",
    "{{ 'a-b-c' | replace('-', '+') }} {{ 'aaa' | replace('aa', 'b') }}", "{{ '12' | int + 1 }} {{ 'x' | int }} {{ 3.7 | int }} {{ 'x' | int(5) }} {{ 12 | string + 'a' }}", "{{ ['a', 'b'] | map('upper') | join }} {{ [{'x': 1}, {'x': 2}] | map(attribute='x') | list | tojson }}", "{{ [{'r': 'u', 'n': 1}, {'r': 'a', 'n': 2}] | selectattr('r', 'equalto', 'u') | map(attribute='n') | join }} {{ [{'r': 'u'}, {'r': 'a'}] | rejectattr('r', 'eq', 'u') | list | length }}",
    "{{ [0, 1, 2, 3] | select('odd') | list | tojson }} {{ [0, 1] | reject | list | tojson }} {{ [1, 2, 3] | select('gt', 1) | join('-') }} {{ [{'a': {'b': 1}}, {'a': {}}] | selectattr('a.b') | list | length }}", "{{ 'abc' | reverse }} {{ [1,2] | reverse | list | tojson }} {{ 'ab' | list | tojson }} {{ -2 | abs }} {{ 'x' | safe }}", "{% for k, v in {'a': 1} | items %}{{ k }}{{ v }}{% endfor %}",
    "{{ {'a': [1, 2.5, true, none, 'x\"\\n\u00e9\\\\/'], 'b': {}} | tojson }}", "{{ {'a': [1, {'b': []}], 'c': {'d': 'e'}} | tojson(indent=2) }}", "{{ [] | tojson(indent=4) }}{{ '\\x01\\x7f' | tojson }}{{ 1e3 | tojson if false else 0.1 | tojson }}",
    # tests
    "{{ 1 is number }}{{ 'a' is string }}{{ none is none }}{{ {} is mapping }}{{ [] is iterable }}{{ 'a' is sequence }}{{ true is boolean }}{{ 1 is integer }}{{ 1.0 is float }}{{ true is true }}{{ 1 is false }}{{ raise_exception is callable }}", "{{ x is undefined }}{{ x is not defined }}{{ 3 is odd }}{{ 3 is even }}{{ 9 is divisibleby 3 }}{{ 9 is divisibleby(4) }}{{ 2 is in [1, 2] }}{{ 1 is eq 1 }}{{ 1 is ne(1) }}{{ not 1 is odd }}", "{{ 'a' is string and 1 is number or false }}", "{{ 5 is gt 3 }}{{ 5 is le(3) }}{{ true is number }}{{ true is integer }}",
    # methods
    "{{ ' a '.strip() }}|{{ 'xxa'.lstrip('x') }}|{{ 'a\\n\\n'.rstrip('\\n') }}|{{ 'a,b,c'.split(',') | tojson }}|{{ 'a,b,c'.split(',', 1) | tojson }}|{{ ' a  b '.split() | tojson }}", "{{ 'abc'.startswith('ab') }}{{ 'abc'.endswith(('x', 'bc')) }}{{ 'abc'.upper() }}{{ 'ABC'.lower() }}{{ 'a-b'.replace('-', '') }}{{ 'ab cd'.title() }}{{ 'ab CD'.capitalize() }}{{ 'h\u00e9l'.find('l') }}{{ 'a'.find('z') }}", "{{ {'a': 1}.get('a') }}{{ {'a': 1}.get('b') }}{{ {'a': 1}.get('b', 2) }}{{ {'a': 1, 'b': 2}.keys() | list | tojson }}{{ {'a': 1}.values() | list | tojson }}", "{{ {'items': 5}['items'] }}{{ {'x': none}.x.y is defined }}",
    "{{ dict(a=1, b=2) | tojson }}{{ range(3) | list | tojson }}{{ range(1, 4) | list | tojson }}{{ range(4, 0, -2) | list | tojson }}", "{{ messages[0].role }}{{ messages[0]['content'] }}{{ messages[-1].role }}{{ messages | length }}{{ messages[0].missing is defined }}{{ messages[0].missing }}",
    # failures
    "{{ raise_exception('stop here') }}", "{{ nothing.field }}", "{{ nothing['field'] }}", "{{ 1 + 'a' }}", "{{ 1 // 0 }}", "{{ nothing() }}", "{% for x in 5 %}{% endfor %}", "{{ 'a' < 1 }}", "{{ nothing + 'a' }}", "{% set x.a = 1 %}", "{% if %}{% endif %}", "{{ 1 ", "{% endif %}", "{% for x %}{% endfor %}", "{{ 'a", "{{ [1, }}", "{{ a b }}", "{% if true %}", "{{ 1 | }}", "{# open", "{{ none.strip() }}",
]


def rendered(template, variables):
    try:
        return ENVIRONMENT.from_string(template).render(**variables)
    except Exception:  # every error counts as one: a failure
        return None


def variables(messages, prompt, tools=None, **tokens):
    return dict(tokens, messages=messages, tools=tools, documents=None, add_generation_prompt=prompt)


def conversations(template, tokens):
    for messages in CONVERSATIONS:
        for prompt in (False, True):
            for tools in (None, [TOOL, TOOL]):
                yield dict(messages=messages, add_generation_prompt=prompt, tools=tools), rendered(template, variables(messages, prompt, tools, **tokens))


def token(config, name):
    value = config.get(name)
    return value["content"] if isinstance(value, dict) else value


def published(shared, model):
    for folder in sorted((shared / "data/tokenizers").iterdir()):
        path = folder / "tokenizer_config.json"
        config = json.loads(path.read_text()) if path.exists() else {}
        if isinstance(config.get("chat_template"), str):
            tokens = {name: token(config, name) for name in ("bos_token", "eos_token", "unk_token", "pad_token") if token(config, name)}
            yield folder.name, config["chat_template"], tokens
    fields = GGUFReader(model).fields
    text = lambda field, part: bytes(field.parts[part]).decode()
    names = fields["tokenizer.ggml.tokens"]
    identity = lambda name: int(fields[f"tokenizer.ggml.{name}_token_id"].parts[-1][0])
    tokens = {f"{short}_token": text(names, names.data[identity(name)]) for short, name in (("bos", "bos"), ("eos", "eos"), ("unk", "unknown"), ("pad", "padding")) if f"tokenizer.ggml.{name}_token_id" in fields}
    template = fields["tokenizer.chat_template"]
    yield "default model", text(template, template.data[0]), tokens


def write(name, entries):
    lines = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in entries)
    (HERE / name).write_text('{"jinja2": "%s", "entries": [\n%s\n]}\n' % (jinja2.__version__, lines))
    print(name, len(entries))


def cases(rows):
    return [dict(variables=given, text=text) for given, text in rows]


def main():
    tokens = dict(bos_token="<s>", eos_token="</s>")
    plain = dict(messages=CONVERSATIONS[1])
    snippets = [dict(template=snippet, cases=cases([(plain, rendered(snippet, plain))])) for snippet in SNIPPETS]
    families = [dict(template=template, tokens=tokens, cases=cases(conversations(template, tokens))) for template in FAMILIES.values()]
    write("constructs.json", snippets + families)
    write("published.json", [dict(name=name, cases=cases(conversations(template, own))) for name, template, own in published(pathlib.Path(sys.argv[1]), sys.argv[2])])


if __name__ == "__main__":
    main()
