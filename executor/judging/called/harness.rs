// Reads the arguments of calls and tells what they give, by the types of the function that is called.
#![allow(warnings)]

use std::collections::*;
use std::fmt::Write as _;
use std::hash::Hash;
use std::io::{BufRead, Write as _};
use std::iter::FromIterator;
use std::panic::{catch_unwind, AssertUnwindSafe};

pub enum Json {
    Null,
    Truth(bool),
    Whole(i128),
    Real(f64),
    Text(String),
    List(Vec<Json>),
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Parser<'a> {
    fn value(&mut self) -> Json {
        match self.text[self.at] {
            b'"' => Json::Text(self.word()),
            b'[' => Json::List(self.list()),
            b'{' => self.tagged(),
            b't' => { self.at += 4; Json::Truth(true) }
            b'f' => { self.at += 5; Json::Truth(false) }
            b'n' => { self.at += 4; Json::Null }
            _ => self.number(),
        }
    }

    fn list(&mut self) -> Vec<Json> {
        let mut items = Vec::new();
        self.at += 1;
        while self.text[self.at] != b']' {
            items.push(self.value());
            if self.text[self.at] == b',' { self.at += 1; }
        }
        self.at += 1;
        items
    }

    fn tagged(&mut self) -> Json {
        self.at += 1;
        let tag = self.word();
        self.at += 1;
        let body = self.value();
        self.at += 1;
        match (tag.as_str(), body) {
            ("$float", Json::Text(text)) => Json::Real(text.parse().unwrap()),
            (_, body) => body,
        }
    }

    fn number(&mut self) -> Json {
        let begin = self.at;
        while self.at < self.text.len() && b"+-.0123456789eE".contains(&self.text[self.at]) { self.at += 1; }
        let digits = std::str::from_utf8(&self.text[begin..self.at]).unwrap();
        match digits.parse() {
            Ok(whole) => Json::Whole(whole),
            Err(_) => Json::Real(digits.parse().unwrap()),
        }
    }

    fn unit(&mut self) -> u32 {
        let digits = std::str::from_utf8(&self.text[self.at + 1..self.at + 5]).unwrap();
        self.at += 5;
        u32::from_str_radix(digits, 16).unwrap()
    }

    fn word(&mut self) -> String {
        let mut made = Vec::new();
        self.at += 1;
        while self.text[self.at] != b'"' {
            let one = self.text[self.at];
            if one != b'\\' {
                made.push(one);
                self.at += 1;
                continue;
            }
            self.at += 1;
            let what = self.text[self.at];
            if what == b'u' {
                let mut code = self.unit();
                if (0xD800..0xDC00).contains(&code) {
                    self.at += 1;
                    code = 0x10000 + ((code - 0xD800) << 10) + (self.unit() - 0xDC00);
                }
                let text: String = char::from_u32(code).unwrap_or('\u{fffd}').to_string();
                made.extend_from_slice(text.as_bytes());
                continue;
            }
            made.push(match what { b'b' => 8, b'f' => 12, b'n' => 10, b'r' => 13, b't' => 9, other => other });
            self.at += 1;
        }
        self.at += 1;
        String::from_utf8(made).unwrap()
    }
}

fn refuse() -> ! { panic!("an argument does not fit") }

fn items(given: &Json) -> &Vec<Json> {
    match given { Json::List(items) => items, _ => refuse() }
}

pub trait Read: Sized {
    fn read(given: &Json) -> Self;
}

macro_rules! whole {
    ($($kind:ty),*) => { $(
        impl Read for $kind {
            fn read(given: &Json) -> Self {
                match given {
                    Json::Whole(number) => <$kind>::try_from(*number).unwrap_or_else(|_| refuse()),
                    Json::Text(text) if text.len() == 1 => text.as_bytes()[0] as $kind,
                    _ => refuse(),
                }
            }
        }
        impl Tell for $kind {
            fn tell(&self, out: &mut String) { let _ = write!(out, "{}", self); }
        }
    )* };
}
macro_rules! real {
    ($($kind:ty),*) => { $(
        impl Read for $kind {
            fn read(given: &Json) -> Self {
                match given { Json::Real(number) => *number as $kind, Json::Whole(number) => *number as $kind, _ => refuse() }
            }
        }
        impl Tell for $kind {
            fn tell(&self, out: &mut String) {
                let number = *self as f64;
                let _ = if number.is_finite() { write!(out, "{:?}", number) }
                    else { write!(out, "{{\"$float\":\"{}\"}}", number.to_string().to_lowercase()) };
            }
        }
    )* };
}
whole!(i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize);
real!(f32, f64);

impl Read for bool {
    fn read(given: &Json) -> Self { match given { Json::Truth(truth) => *truth, _ => refuse() } }
}
impl Read for char {
    fn read(given: &Json) -> Self {
        match given { Json::Text(text) if text.chars().count() == 1 => text.chars().next().unwrap(), _ => refuse() }
    }
}
impl Read for String {
    fn read(given: &Json) -> Self { match given { Json::Text(text) => text.clone(), _ => refuse() } }
}
impl Read for &'static str {
    fn read(given: &Json) -> Self { Box::leak(String::read(given).into_boxed_str()) }
}
impl<T: Read> Read for Option<T> {
    fn read(given: &Json) -> Self { match given { Json::Null => None, _ => Some(T::read(given)) } }
}
impl<T: Read> Read for Box<T> {
    fn read(given: &Json) -> Self { Box::new(T::read(given)) }
}
impl<T: Read> Read for &'static [T] {
    fn read(given: &Json) -> Self { Box::leak(Vec::<T>::read(given).into_boxed_slice()) }
}
impl<T: Read> Read for &'static mut [T] {
    fn read(given: &Json) -> Self { Box::leak(Vec::<T>::read(given).into_boxed_slice()) }
}
macro_rules! borrowed {
    ($($kind:ty, [$($part:ident: $bound:path),*]);* $(;)?) => { $(
        impl<$($part: Read + $bound),*> Read for &'static $kind {
            fn read(given: &Json) -> Self { Box::leak(Box::new(<$kind>::read(given))) }
        }
        impl<$($part: Read + $bound),*> Read for &'static mut $kind {
            fn read(given: &Json) -> Self { Box::leak(Box::new(<$kind>::read(given))) }
        }
    )* };
}
borrowed! {
    i32, []; i64, []; u32, []; u64, []; usize, []; f32, []; f64, []; bool, []; char, []; String, [];
    Vec<T>, [T: Sized];
}
macro_rules! sequences {
    ($($kind:ident, $($bound:path),*);* $(;)?) => { $(
        impl<T: Read $(+ $bound)*> Read for $kind<T> {
            fn read(given: &Json) -> Self { items(given).iter().map(T::read).collect() }
        }
        impl<T: Tell> Tell for $kind<T> {
            fn tell(&self, out: &mut String) { tell_items(self.iter(), out) }
        }
    )* };
}
sequences! { Vec, Sized; VecDeque, Sized; LinkedList, Sized; }
macro_rules! sets {
    ($($kind:ident, $($bound:path),*);* $(;)?) => { $(
        impl<T: Read $(+ $bound)*> Read for $kind<T> {
            fn read(given: &Json) -> Self { items(given).iter().map(T::read).collect() }
        }
        impl<T: Tell> Tell for $kind<T> {
            fn tell(&self, out: &mut String) {
                out.push_str("{\"$set\":");
                tell_items(self.iter(), out);
                out.push('}');
            }
        }
    )* };
}
sets! { HashSet, Eq, Hash; BTreeSet, Ord; }
macro_rules! mappings {
    ($($kind:ident, $($bound:path),*);* $(;)?) => { $(
        impl<K: Read $(+ $bound)*, V: Read> Read for $kind<K, V> {
            fn read(given: &Json) -> Self { items(given).iter().map(<(K, V)>::read).collect() }
        }
        impl<K: Tell, V: Tell> Tell for $kind<K, V> {
            fn tell(&self, out: &mut String) {
                out.push_str("{\"$dict\":");
                tell_items(self.iter(), out);
                out.push('}');
            }
        }
    )* };
}
mappings! { HashMap, Eq, Hash; BTreeMap, Ord; }
impl<T: Read, const N: usize> Read for [T; N] {
    fn read(given: &Json) -> Self { Vec::<T>::read(given).try_into().unwrap_or_else(|_| refuse()) }
}

pub trait Tell {
    fn tell(&self, out: &mut String);
}

fn tell_items<T: Tell>(values: impl Iterator<Item = T>, out: &mut String) {
    out.push('[');
    for (at, value) in values.enumerate() {
        if at > 0 { out.push(','); }
        value.tell(out);
    }
    out.push(']');
}

fn tell_text(text: &str, out: &mut String) {
    out.push('"');
    for one in text.chars() {
        if (one as u32) < 0x20 || one == '"' || one == '\\' { let _ = write!(out, "\\u{:04x}", one as u32); }
        else { out.push(one); }
    }
    out.push('"');
}

impl Tell for bool { fn tell(&self, out: &mut String) { out.push_str(if *self { "true" } else { "false" }) } }
impl Tell for char { fn tell(&self, out: &mut String) { tell_text(&self.to_string(), out) } }
impl Tell for str { fn tell(&self, out: &mut String) { tell_text(self, out) } }
impl Tell for String { fn tell(&self, out: &mut String) { tell_text(self, out) } }
impl Tell for () { fn tell(&self, out: &mut String) { out.push_str("null") } }
impl<T: Tell + ?Sized> Tell for &T { fn tell(&self, out: &mut String) { (**self).tell(out) } }
impl<T: Tell + ?Sized> Tell for &mut T { fn tell(&self, out: &mut String) { (**self).tell(out) } }
impl<T: Tell + ?Sized> Tell for Box<T> { fn tell(&self, out: &mut String) { (**self).tell(out) } }
impl<T: Tell> Tell for Option<T> {
    fn tell(&self, out: &mut String) { match self { Some(value) => value.tell(out), None => out.push_str("null") } }
}
impl<T: Tell> Tell for [T] { fn tell(&self, out: &mut String) { tell_items(self.iter(), out) } }
impl<T: Tell, const N: usize> Tell for [T; N] { fn tell(&self, out: &mut String) { tell_items(self.iter(), out) } }
impl<T: Tell, E: std::fmt::Debug> Tell for Result<T, E> {
    fn tell(&self, out: &mut String) { match self { Ok(value) => value.tell(out), Err(why) => panic!("{:?}", why) } }
}

pub trait Ask<A> {
    fn ask(&self, given: &Json, out: &mut String);
}

macro_rules! arities {
    ($count:expr; $($part:ident $at:tt),*) => {
        impl<F, R: Tell, $($part: Read),*> Ask<($($part,)*)> for F where F: Fn($($part),*) -> R {
            fn ask(&self, given: &Json, out: &mut String) {
                let given = items(given);
                if given.len() != $count { panic!("it takes another number of arguments") }
                self($(<$part>::read(&given[$at])),*).tell(out)
            }
        }
    };
}
macro_rules! tuples {
    ($count:expr; $($part:ident $at:tt),*) => {
        impl<$($part: Read),*> Read for ($($part,)*) {
            fn read(given: &Json) -> Self {
                let given = items(given);
                if given.len() != $count { refuse() }
                ($(<$part>::read(&given[$at]),)*)
            }
        }
        impl<$($part: Tell),*> Tell for ($($part,)*) {
            fn tell(&self, out: &mut String) {
                out.push('[');
                $(if $at > 0 { out.push(','); } self.$at.tell(out);)*
                out.push(']');
            }
        }
    };
}
arities!(0;);
arities!(1; A 0);
arities!(2; A 0, B 1);
arities!(3; A 0, B 1, C 2);
arities!(4; A 0, B 1, C 2, D 3);
arities!(5; A 0, B 1, C 2, D 3, E 4);
arities!(6; A 0, B 1, C 2, D 3, E 4, G 5);
tuples!(1; A 0);
tuples!(2; A 0, B 1);
tuples!(3; A 0, B 1, C 2);
tuples!(4; A 0, B 1, C 2, D 3);
tuples!(5; A 0, B 1, C 2, D 3, E 4);
tuples!(6; A 0, B 1, C 2, D 3, E 4, G 5);

pub fn serve<A>(function: impl Ask<A>) {
    // All of it now: what a function reads of its standard input is at its end, and nobody holds it.
    let given: Vec<String> = std::io::stdin().lock().lines().map(|line| line.unwrap()).collect();
    let mut lines = given.into_iter();
    let mark = lines.next().unwrap();
    for line in lines {
        let given = Parser { text: line.as_bytes(), at: 0 }.value();
        let mut value = mark.clone() + "{\"value\":";
        let asked = catch_unwind(AssertUnwindSafe(|| function.ask(&given, &mut value)));
        if let Err(why) = asked {
            value = mark.clone() + "{\"raised\":";
            let text = why.downcast_ref::<String>().map(|text| text.as_str())
                .or(why.downcast_ref::<&str>().copied()).unwrap_or("a panic");
            tell_text(text, &mut value);
        }
        value.push_str("}\n");
        std::io::stdout().write_all(value.as_bytes()).unwrap();
        std::io::stdout().flush().unwrap();
    }
    std::process::exit(0)
}
