"""Writes render.json: what transformers' environment renders from templates of ours, and where it fails. Needs transformers.

Three kinds: the pieces of a language (PIECES), whole templates in the styles that people have (STYLES) with conversations, and
expressions put together at random from a seed. Of an error only that there is one is kept: the words differ.
"""
import copy
import json
import random
import sys

from transformers.utils.chat_template_utils import _compile_jinja_template

MESSAGES = [
    {"role": "system", "content": "You are é."},
    {"role": "user", "content": "Hello\n  world "},
    {"role": "assistant", "content": "<think>\nhm</think>\nHi <b>&'\"</b>"},
    {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "what? 画"}]},
]
# a to v are what random expressions are made of: variables, since Jinja folds what is constant by other rules.
LETTERS = dict(zip("abcdefghijklmnopqrstuv", [0, 1, -3, 7, 2.5, -0.5, "", "abc", "A b\nC", " é画 ", [], [3, 1, 2], ["b", "a", "B"], {}, {"b": 1, "a": [2]}, None, True, False, "7", "1.5", ["x", ["y"]], "a%sb"]))
VARS = {**LETTERS, "messages": MESSAGES, "tools": None, "documents": None, "add_generation_prompt": True, "bos_token": "<s>", "eos_token": "</s>"}

PIECES = r"""
{{ messages[0].role }} {{ messages[0]['content'][4:7] }} {{ messages[-1]['role'] }} {{ messages|length }}
{{ messages[1:]|length }} {{ messages[::-1][0].role }} {{ messages[:-1]|map(attribute='role')|join(',') }}
{{ 'abc'[::-1] }} {{ 'abc'[1] }} {{ 'abc'[-1] }} {{ 'héllo'[1:3] }} {{ 'abc'[5:] }}| {{ 'abcdef'[-2:0:-2] }} {{ 'abc'[none:2] }}
{{ messages[2].content.split('</think>')[-1].lstrip('\n') }} {{ messages[2].content.split('</think>')[0].rstrip('\n').split('<think>')[-1].strip() }}
{{ 'a,b,c'.split(',') }} {{ 'a b  c'.split() }} {{ 'a,b,c'.split(',', 1) }} {{ 'a,b,c'.rsplit(',', 1)[0] }} {{ ' a  b '.split(none, 1) }} {{ ' a  b '.rsplit(none, 1) }}
{{ 'Abc'.upper() }}{{ 'Abc'.lower() }}{{ "they're bill's".title() }}{{ 'aBC d'.capitalize() }}{{ 'a-b'.replace('-', '+') }}{{ 'aaa'.replace('a', 'b', 2) }}
{{ "they're-bill (x) [y"|title }} {{ 'ǆ ß'.title() }} {{ 'ß'.upper() }} {{ 'ΑΣ'.lower() }} {{ 'ß'.casefold() }} {{ 'aB'.swapcase() }}
{{ 'abc'.startswith('a') }} {{ 'abc'.endswith(('c','d')) }} {{ 'b' in 'abc' }} {{ 'z' not in 'abc' }}
{{ {'a': 1, 'b': [1, 2.0, 'x', none, true]}|tojson }} {{ messages[2]|tojson }} {{ messages|tojson(indent=2) }}
{{ {'z': 1, 'a': 2}|tojson }} {{ {'z': 1, 'a': 2}.items()|list }} {% for k, v in {'z': 1, 'a': 2}.items() %}{{ k }}={{ v }};{% endfor %}
{{ {'z': 1, 'a': 2}|items|list }} {{ {'z':1,'a':2}|dictsort }} {{ {'z':1,'a':2}|dictsort(by='value', reverse=true) }} {{ {'z':1}.get('q', 'd') }} {{ {'z':1}.get('q') }} {{ {'z':1}.keys() }} {{ {'z':1}.values()|list }}
{{ {'b':1,'a':2}|tojson(sort_keys=true) }} {{ {'b':1}|tojson(separators=(',', ':')) }} {{ 'é𝄞'|tojson(ensure_ascii=true) }} {{ [[], {}]|tojson(indent=1) }} {{ {1: 2, true: 3, none: 4, 1.5: 5}|tojson }}
{{ 'é<>&\'\x7f\u2028"\\\b'|tojson }} {{ none|tojson }} {{ 1.0|tojson }} {{ 1e100|tojson }} {{ -0.0|tojson }} {{ undefined|tojson }}
{{ none }} {{ true }} {{ false }} {{ 1.0 }} {{ 1.5 }} {{ [1,'a'] }} {{ (1,2) }} {{ (1,) }} {{ () }} {{ {'a': 'b'} }} {{ True }} {{ None }}
{{ 7 // 2 }} {{ 7 / 2 }} {{ 7 % 3 }} {{ 2 ** 3 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 4 / 2 }} {{ 1 + 1.0 }} {{ 'a' * 3 }} {{ [1] + [2] }} {{ 'a' ~ 1 ~ none }} {{ 2 ** -1 }} {{ -2 ** 2 }} {{ 7.5 // 2 }} {{ -7.5 % 2 }}
{{ 'x' if false }}|{{ 'x' if true else 'y' }}|{{ undefined_thing }}|{{ messages[0].nothing }}|{{ messages[99] }}
{% set ns = namespace(a=1, b='x') %}{% set ns.a = ns.a + 1 %}{{ ns.a }}{{ ns.b }}{% for i in range(3) %}{% set ns.a = ns.a + i %}{% endfor %}{{ ns.a }}
{% macro f(x, n=1) %}[{{ x }}{{ n }}]{% endmacro %}{{ f('a') }}{{ f('b', n=2) }}{{ f('q')|length }}{{ f() }}
{% macro g() %}<{{ caller() }}>{% endmacro %}{% call g() %}in{% endcall %}{% macro h(l) %}{% for x in l %}{{ caller(x, 2) }}{% endfor %}{% endmacro %}{% call(a, b) h([1, 2]) %}{{ a }}{{ b }};{% endcall %}
{% for m in messages if m.role == 'user' %}{{ loop.index0 }}{{ loop.index }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.revindex }} {% endfor %}
{% for m in messages %}{{ loop.previtem.role if loop.previtem is defined }}>{{ loop.nextitem.role if not loop.last }};{{ loop.cycle('x', 'y') }}{{ loop.changed(m.role) }}{% endfor %}
{% for i in range(10) %}{% if i == 3 %}{% continue %}{% endif %}{% if i == 5 %}{% break %}{% endif %}{{ i }}{% endfor %}
{% for x in [] %}a{% else %}empty{% endfor %}{% for x in nothing %}a{% else %}empty{% endfor %}{% for x in [1] %}{% break %}{% else %}else{% endfor %}
{% for x in [1, [2, [3]]] recursive %}{{ loop.depth }}{% if x is number %}{{ x }}{% else %}({{ loop(x) }}){% endif %}{% endfor %}
{% if messages[0].content is string and messages[3].content is iterable and messages[3].content is not string and messages[0] is mapping %}ok{% endif %}
{{ 1 is number }} {{ 1 is integer }} {{ 1.5 is float }} {{ 'a' is sequence }} {{ none is none }} {{ x is defined }} {{ x is undefined }} {{ true is boolean }} {{ 3 is odd }} {{ 4 is divisibleby 2 }} {{ true is true }} {{ 0 is false }} {{ 'a' is in ['a'] }} {{ 1 is eq 1 }} {{ range is callable }} {{ true is number }} {{ true is integer }} {{ 1 is true }} {{ 'A' is upper }} {{ 'a1' is lower }} {{ x is iterable }} {{ {} is sequence }} {{ 'tojson' is filter }} {{ 1 is sameas 1 }}
{{ messages|selectattr('role', 'equalto', 'user')|list|length }} {{ messages|rejectattr('role', 'equalto', 'user')|map(attribute='role')|list }} {{ [1,2,3]|select('odd')|list }} {{ [0,1,'']|select|list }} {{ [3,1,2]|sort }} {{ ['b','A','c']|sort }} {{ [1,2,3]|sum }} {{ ['a','A','b']|unique|list }} {{ [1,2]|first }} {{ [1,2]|last }} {{ [1,5,2]|max }} {{ ['b','A']|min }} {{ []|first }}
{{ messages[3].content|map(attribute='text', default='none')|list }} {{ messages|map('length')|list }} {{ ['a']|map('upper')|list }} {{ ['x','y']|map('replace', 'x', 'z')|join }}
{{ '%s-%d' % ('a', 3) }} {{ '%s'|format('x') }} {{ '%(a)s'|format(a=1) }} {{ '{} {} {{}}'.format('a', 1) }} {{ '{1}{0}{x}'.format(1, 2, x=3) }} {{ '%5.2f|%-4s|%04d|%x' % (3.14159, 'a', -7, 255) }} {{ '%d%%' % 5 }}
{{ 'x'|default('y') }} {{ q|default('y') }} {{ ''|default('y', true) }} {{ 'abc'|reverse }} {{ [1,2]|reverse|list }} {{ '3'|int + 1 }} {{ 'x'|int }} {{ ' 7.9 '|int }} {{ 'ff'|int(base=16) }} {{ '3.5'|float }} {{ 3.7|int }} {{ 3.756|round(1) }} {{ 2.5|round }} {{ 2.1|round(0, 'ceil') }} {{ -3|abs }} {{ 5|string + 'a' }}
{{ '<a>'|e }} {{ '<a>'|safe }} {{ ('<a>'|e) + '<' }} {{ ('<a>'|e) ~ '<' }} {{ 'a\nb\n\nc'|indent(2) }} {{ 'a\nb'|indent(2, true) }} {{ 'a\nb'|indent('> ') }} {{ 'a b_c d'|wordcount }} {{ [1,2,3,4]|batch(3, 0)|list }} {{ [1,2,3,4]|slice(3)|list }} {{ 'abc def ghi'|truncate(8, leeway=0) }} {{ 'abcdefghijkl'|truncate(5, true) }} {{ 'abc'|list }} {{ 'abc'|center(8) }}| {{ ' x '|trim }}| {{ 'xax'|trim('x') }}
{% set x %}block {{ 1 }}{% endset %}{{ x }}{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set y | upper | trim %} abc {% endset %}{{ y }}
{% filter upper %}abc{% endfilter %} {% with z = 3, w = 4 %}{{ z }}{{ w }}{% endwith %}{{ z }} {% raw %}{{ x }}{% endraw %}{# comment #}
{%- for m in messages -%}  {{- m.role -}}  {%- endfor -%} |
{{ 'a' == "a" }} {{ 1 == 1.0 }} {{ 1 < 2 <= 2 }} {{ not true }} {{ true and false or true }} {{ 'a' < 'b' }} {{ [1,2] == [1,2] }} {{ {'a':1} == {'a':1} }} {{ none == none }} {{ '' or 'x' }} {{ 0 or none }} {{ 'a' and 'b' }} {{ [1,2] < [1,3] }} {{ not 1 == 2 }} {{ (1,) == [1] }}
{% set l = [1] %}{% set _ = l.append(2) %}{{ l }}
{% set d = {'a': 1} %}{{ d.update({'b': 2}) }}
{{ [1,2,1].index(2) }} {{ [1,2,1].count(1) }} {{ [1].copy() }} {{ (1,2).count(2) }}
{% generation %}{{ messages[2].content }}{% endgeneration %}|{% generation %}{% set x = 1 %}{% endgeneration %}{{ x }}
{{ 'a\tb\\n\'\q' }} {{ "é\u00e9\x41\101" }} {{ 'x' 'y' }}
{{ messages[1].content.splitlines() }} {{ 'a'.join(['1','2']) }} {{ 'héllo'.find('l') }} {{ 'abcabc'.rfind('b') }} {{ 'abc'.find('c', 0, 2) }} {{ ' a '.lstrip() }}| {{ 'xxaxx'.strip('x') }} {{ 'abab'.count('ab') }} {{ '12'.isdigit() }} {{ ''.isdigit() }} {{ '-a'.zfill(4) }} {{ 'abc'.index('b') }} {{ 'a.b.c'.partition('.') }} {{ 'a.b.c'.rpartition('.') }} {{ 'prefix-a'.removeprefix('prefix-') }} {{ 'a-x'.removesuffix('-x') }} {{ 'ab'.center(5, '*') }} {{ 'ab'.ljust(4) }}| {{ 'ab'.rjust(4) }} {{ 'Ab Cd'.istitle() }} {{ 'a b'.isalpha() }} {{ 'aé'.isascii() }} {{ '\t '.isspace() }}
{{ dict(a=1, b=2) }} {{ dict([('a', 1)], b=3) }} {{ dict({'x': 1}).x }} {{ {'a': 1}.copy() }}
{{ [x for x in y] }}
{{ raise_exception('stop') }}
{{ messages[99].role }}
{{ 1/0 }}
{{ 'a' + 1 }}
{{ nothing.x }}
{{ nothing() }}
{{ none + 'a' }}
{{ none.x }}|{{ none['x'] }}|{{ 1 .x }}
{{ messages.x.y }}
{{ 'x' in none }}
{{ none|length }}
{{ messages|frobnicate }}
{{ messages is frobnicate }}
{% frobnicate %}
{% do 1 %}
{% for x in 5 %}{% endfor %}
{{ 'abc'.nothing }}|{{ 'abc'.nothing() }}
{% set loop = 3 %}{{ loop }}{{ namespace(a=1)['a'] }}{{ namespace().b }}|
{% set messages.x = 1 %}
{{ namespace(_a=1) }}
{% if %}x{% endif %}
{{ (1, 2 }}
{{ 0.1 + 0.2 }} {{ 1e20 }} {{ 1e-7 }} {{ 1e16 }} {{ 123456789012345680.0 }} {{ 1_000 }} {{ 0x1f }} {{ 0b11 }} {{ 1.5e3 }} {{ 100000.0 }}
{% for a in 'héy' %}{{ a }},{% endfor %} {% for k in {'b':1,'a':2} %}{{ k }}{% endfor %} {% for x, y in [(1,2),(3,4)] %}{{ x }}{{ y }}{% endfor %} {% for (x, y), z in [((1,2),3)] %}{{ x }}{{ y }}{{ z }}{% endfor %}
{% set x = 1 %}{% for i in [1,2] %}{% set x = x + i %}{% endfor %}{{ x }} {% if x == 1 %}{% set x = 5 %}{% endif %}{{ x }}
{{ messages[0]['role'] + ':' + messages[0]['content'] | trim + '!' }}{{ bos_token }}{{ '<|im_start|>' + messages[0]['role'] + '\n' }}
{%- if tools is defined and tools is not none -%}t{%- else -%}n{%- endif -%} {{ tools is none }} {{ documents is defined }} {{ tools }} {{ add_vision_id }}
{{ not 'a' is number }} {{ 1 is not string }} {{ 'x' | string | upper | lower }} {{ messages | tojson | length }} {{ 'A' | lower == 'a' }} {{ 3 % 2 == 1 }} {{ (loop_messages | default(messages))[0].role }}
{%+ if true %} x {% endif +%} y
{{ {'a': 1}.a }} {{ {'a': 1}['a'] }} {{ {'a': none}.a is none }} {{ {'items': 5}['items'] }} {{ {'get': 5}.get('get') }}
{% set j = joiner(',') %}{{ j() }}a{{ j() }}b{{ j() }}
{% macro outer() %}{{ inner() }}{% endmacro %}{% macro inner() %}i{% endmacro %}{{ outer() }}{% set late = 1 %}{% macro uses() %}{{ late }}{% endmacro %}{{ uses() }}
{% macro rec(n) %}{{ n }}{% if n > 0 %}{{ rec(n - 1) }}{% endif %}{% endmacro %}{{ rec(3) }}{% macro kw(a, b=a2|default('d')) %}{{ a }}{{ b }}{% endmacro %}{{ kw(b=1, a=2) }}{{ kw(**{'a': 5}) }}{{ kw(*[6]) }}
{{ kw(1, 2, 3) }}
{% macro one(a) %}{{ a }}{% endmacro %}{{ one(1, 2) }}
{% set g = [1,2,3]|select('odd') %}{{ g|list }}{{ g|list }}{% if [1]|reject('odd') %}true{% endif %}
{{ 'a' if 1 is odd else 'b' }} {{ 1 if 0 else 2 if 0 else 3 }} {{ [1 if true else 2, 3] }} {{ {'a': 1 if false else 2} }} {{ ('a' if true) ~ 'b' }}
{{ 'a''b' }} {{ "it's" }} {{ ["it's", 'say "x"', "both ' and \""] }} {{ ['\n\t\x00é\u200b'] }}
{{ messages | map(attribute='content') | map('string') | map('length') | list }} {{ messages | map('attr', 'role') | list | length }}
{{ 5 in [1, 5] }} {{ 'k' in {'k': 1} }} {{ none in [none] }} {{ 1 not in (1, 2) }} {{ 'a' in 'abc' and 'd' not in 'abc' }}
{{ 10 | string | length }} {{ 1.0 | string }} {{ true | string }} {{ none | string }} {{ [1] | string }} {{ 3 | float }} {{ true + 1 }} {{ 3 * true }} {{ -true }}
{% set a = b = 1 %}
{{ a.b.0 }}{{ [[1, 2]].0.1 }}
{{ messages.0.role }} {{ (messages|last).content[1].text }} {{ messages[3]['content'][0]['type'] }}
""".strip("\n").split("\n")

LINES = [  # what newlines and spaces around tags become
    "  {% if true %}\n  x\n  {% endif %}\n\ny\n", "a\n  {%- if true %}\n  x  {%- endif %}\n z", "{% if true -%}\n\n  x {% endif %}  \n{# c #}\n  {# d #} e\n",
    "{{ 1 }}\n{{ 2 }}\n", "{{- 1 -}}\n\n  {{ 2 }}  ", "x  {%+ if true %}  y{% endif %}\n", "\r\n{% if true %}\r\na\r\n{% endif %}\rb\r\n", "\n\n\n", "a\n\n", "  {#- x -#}  b", "{% raw %}\n  {{ x }}\n{% endraw %}\nz",
    "a {%- raw -%}  {{ x }}  {%- endraw -%} b", "{% for i in range(2) %} {% if i %} {% endif %} {% endfor %}|", "\t{% set x = 1 %}\n\t{{ x }}\n", "{%if true%}a{%endif%}", "{% if true %}{% endif %}  {% if true %}\n  b{% endif %}", "a{% set x = '%}' %}{{ '}}' }}{{ {'a': {'b': 1}}['a']['b'] }}",
]

CHATML = "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
VISION = """{% set image_count = namespace(value=0) %}{% for message in messages %}{% if loop.first and message['role'] != 'system' %}<|im_start|>system
You help.<|im_end|>
{% endif %}<|im_start|>{{ message['role'] }}
{% if message['content'] is string %}{{ message['content'] }}<|im_end|>
{% else %}{% for part in message['content'] %}{% if part['type'] == 'image' or 'image' in part or 'image_url' in part %}{% set image_count.value = image_count.value + 1 %}{% if add_vision_id %}Picture {{ image_count.value }}: {% endif %}<|image_pad|>{% elif 'text' in part %}{{ part['text'] }}{% endif %}{% endfor %}<|im_end|>
{% endif %}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""
THINKING = """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0].role == 'system' %}
        {{- messages[0].content + '\\n\\n' }}
    {%- endif %}
    {{- "# Tools\\n<tools>" }}
    {%- for tool in tools %}
        {{- "\\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "\\n</tools><|im_end|>\\n" }}
{%- elif messages[0].role == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
{%- endif %}
{%- set ns = namespace(multi_step=true, last=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step and message.role == "user" and not (message.content.startswith('<tool>') and message.content.endswith('</tool>')) %}
        {%- set ns.multi_step = false %}
        {%- set ns.last = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.role == "user" or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {%- set content = message.content %}
        {%- set reasoning = '' %}
        {%- if message.reasoning_content is defined and message.reasoning_content is not none %}
            {%- set reasoning = message.reasoning_content %}
        {%- elif '</think>' in content %}
            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
            {%- set reasoning = message.content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
        {%- endif %}
        {%- if loop.index0 > ns.last and (loop.last or reasoning) %}
            {{- '<|im_start|>assistant\\n<think>\\n' + reasoning.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
        {%- else %}
            {{- '<|im_start|>assistant\\n' + content }}
        {%- endif %}
        {%- for call in message.tool_calls or [] %}
            {%- if call.function %}{% set call = call.function %}{% endif %}
            {{- '\\n<call>\\n{"name": "' ~ call.name ~ '", "arguments": ' }}
            {{- call.arguments if call.arguments is string else call.arguments | tojson }}
            {{- '}\\n</call>' }}
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == "tool" %}
        {%- if loop.first or (messages[loop.index0 - 1].role != "tool") %}
            {{- '<|im_start|>user' }}
        {%- endif %}
        {{- '\\n<tool>\\n' }}{{- message.content }}{{- '\\n</tool>' }}
        {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}
            {{- '<|im_end|>\\n' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}"""
HEADERS = """{{- bos_token }}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}{{- system_message }}{{- "<|eot_id|>" }}
{%- for message in messages %}
    {%- if not (message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}
    {%- elif message.role == "tool" %}
        {%- if message.content is mapping or message.content is iterable %}{{- message.content | tojson }}{%- else %}{{- message.content }}{%- endif %}
    {%- endif %}
{%- endfor %}"""
STRICT = """{%- set loop_messages = messages[1:] if messages[0]['role'] == 'system' else messages %}
{%- for message in loop_messages %}
{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate') }}{% endif %}
{% if message['role'] == 'user' %}
{{ '[INST] ' + (messages[0].content ~ '\\n\\n' if loop.first and messages[0].role == 'system' else '') + message['content'] + ' [/INST]' }}
{% else %}
{% generation %}{{ message['content'] + eos_token }}{% endgeneration %}
{% endif %}
{% endfor %}"""
FACTORY = """{%- set system_message = 'You are a helpful assistant.\\n' -%}{%- if messages[0]['role'] == 'system' -%}{%- set loop_messages = messages[1:] -%}{%- set system_message = messages[0]['content'] -%}{%- else -%}{%- set loop_messages = messages -%}{%- endif -%}{%- if system_message is defined -%}{{ '<|im_start|>system\\n' + system_message + '<|im_end|>\\n' }}{%- endif -%}{%- for message in loop_messages -%}{%- set content = message['content'] -%}{%- if message['role'] == 'user' -%}{{ '<|im_start|>user\\n' + content + '<|im_end|>\\n<|im_start|>assistant\\n' }}{%- elif message['role'] == 'assistant' -%}{{ content + '<|im_end|>\\n' }}{%- endif -%}{%- endfor -%}"""
MACROS = """{%- macro parts(content, do_count) -%}
  {%- if content is string -%}{{- content -}}
  {%- else -%}{%- for item in content -%}{%- if 'image' in item or item.type == 'image' -%}{%- if do_count -%}{%- set counter.value = counter.value + 1 -%}{%- endif -%}Picture {{ counter.value }}: <|image_pad|>{%- elif 'text' in item -%}{{- item.text -}}{%- else -%}{{- raise_exception('Unexpected item type in content.') -}}{%- endif -%}{%- endfor -%}{%- endif -%}
{%- endmacro -%}
{%- set counter = namespace(value=0) -%}
{%- for message in messages -%}
{{- '<|' ~ message.role ~ '|>' ~ parts(message.content, true) | trim ~ '\\n' -}}
{%- endfor -%}
{{- strftime_now('%d %b %Y, %H:%M') if false -}}"""
STYLES = [("chatml", CHATML), ("vision", VISION), ("thinking", THINKING), ("headers", HEADERS), ("strict", STRICT), ("factory", FACTORY), ("macros", MACROS)]

WORDS = ["Hello", "what is <this>?", "  spaced  ", "line\nbreak", "画 é", "{{ x }}", "<think>\nhm\n</think>\n\nok", "\"a\" & 'b'", "", "<image>", "\r\ncr", "end "]
TOOLS = [{"type": "function", "function": {"name": "weather", "description": "of <a> place", "parameters": {"type": "object", "properties": {"place": {"type": "string", "enum": ["a", "é"]}, "days": {"type": "integer"}}, "required": ["place"]}}}]


def conversation(r, plain):
    def text():
        return " ".join(r.choice(WORDS) for _ in range(r.randrange(3)))

    def content():
        if plain or r.random() < 0.5:
            return text()
        return [r.choice([{"type": "text", "text": text()}, {"type": "image"}, {"type": "image", "image": "a.png"}, {"type": "video", "video": "b"}, {"text": text()}]) for _ in range(r.randrange(4))]

    out = [{"role": "system", "content": content()}] if r.random() < 0.4 else []
    for _ in range(r.randrange(1, 3)):
        out.append({"role": "user", "content": content()})
        if r.random() < 0.7:
            out.append({"role": "assistant", "content": content()})
        if r.random() < 0.2:
            out.append({"role": "assistant", "content": text(), "reasoning_content": text(), "tool_calls": [{"function": {"name": "weather", "arguments": {"place": "é", "days": 2, "x": 1.5, "n": None}}}]})
            out.append({"role": "tool", "content": text()})
    return out


VALUES = [*LETTERS, "(a, h)", "range(b + b)", "undefined", "messages", "messages[0]", "messages[0].content"]
FILTERS = ["length", "string", "upper", "lower", "capitalize", "title", "trim", "list", "first", "last", "join('-')", "join", "sort", "reverse|list", "int", "float", "abs", "round", "tojson", "tojson(indent=2)", "default('d')", "default('d', true)", "unique|list", "sum", "min", "max", "map('string')|list", "map('upper')|list", "select('string')|list", "reject('none')|list", "replace('a', 'XY')", "indent(1)", "truncate(3, true, '', 0)", "wordcount", "dictsort", "items|list", "batch(2)|list", "center(6)", "sort(reverse=true)", "attr('upper')"]
METHODS = [".upper()", ".strip()", ".split()", ".split('b')", ".title()", ".splitlines()", ".startswith('a')", ".replace('b', '')", ".find('b')", ".isalpha()", ".keys()|list", ".values()|list", ".items()|list", ".get('a')", ".get('z', 5)", "[0]", "[-1]", "[1:]", "[::-1]", "[:2]", "['a']", ".a", ".index('x')", ".count('b')", ".join(['x', 'y'])", ".zfill(5)", ".lstrip('a')", ".partition('b')", ".isupper()", ".swapcase()"]
TESTS = ["string", "number", "mapping", "sequence", "iterable", "defined", "none", "boolean", "integer", "float", "odd", "even", "in [1, 'abc']", "eq 1", "gt 1", "lower", "upper", "true", "false", "divisibleby 3", "callable"]
OPERATORS = ["+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", ">=", "in", "not in", "and", "or"]


def expression(r, depth):
    k = r.random()
    if depth == 0 or k < 0.15:
        return r.choice(VALUES)
    x = expression(r, depth - 1)
    if k < 0.4:
        return f"({x})|{r.choice(FILTERS)}"
    if k < 0.6:
        return f"({x}){r.choice(METHODS)}"
    if k < 0.7:
        return f"({x}) is {r.choice(['', 'not '])}{r.choice(TESTS)}"
    if k < 0.75:
        return f"({x} if {expression(r, 0)} else {expression(r, 0)})"
    return f"({x}) {r.choice(OPERATORS)} ({expression(r, depth - 1)})"


def case(template, variables, **more):
    try:
        return {"template": template, **more, "want": _compile_jinja_template(template).render(**copy.deepcopy(variables))}
    except Exception as e:
        return {"template": template, **more, "error": type(e).__name__}


def main(count, path):
    r = random.Random(11)
    out = {"vars": VARS, "pieces": [case(t, VARS) for t in PIECES + LINES], "styles": [], "expressions": []}
    for name, t in STYLES:
        group = {"name": name, "template": t, "cases": []}
        for i in range(max(10, count // 40)):
            v = {"messages": conversation(r, i % 2 == 0), "add_generation_prompt": r.random() < 0.6, "tools": TOOLS if r.random() < 0.3 else None}
            if r.random() < 0.3:
                v["enable_thinking"] = r.random() < 0.5
            c = case(t, {**VARS, **v})
            del c["template"]
            group["cases"].append({"vars": v, **c})
        out["styles"].append(group)
    while len(out["expressions"]) < count:
        c = case("{{ " + expression(r, 3) + " }}", VARS)
        # What prints an address differs from run to run; what prints an iterator is refused here.
        if " object at 0x" in c.get("want", "") or "<generator" in c.get("want", "") or "<built-in" in c.get("want", "") or len(c.get("want", "")) > 400:
            continue
        # Errors are nine in ten of what random types make; a third of them is enough.
        if "error" in c and r.random() < 0.7:
            continue
        out["expressions"].append(c)
    with open(path, "w") as f:
        json.dump(out, f, ensure_ascii=False, indent=0)


main(int(sys.argv[1]) if len(sys.argv) > 1 else 400, sys.argv[2] if len(sys.argv) > 2 else "render.json")
