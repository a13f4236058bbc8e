// The one class of a library for .NET that test programs of MBXP compare plain data with. As
// there, two values are equal if they have one type and one content; elements, and keys of a
// dictionary, stand in the same order. What is no plain data is refused.

using System;
using System.Collections;

namespace KellermanSoftware.CompareNetObjects
{
    public sealed class ComparisonResult
    {
        public bool AreEqual { get; internal set; }
    }

    public sealed class CompareLogic
    {
        public ComparisonResult Compare(object actual, object expected) =>
            new ComparisonResult { AreEqual = IsEqual(actual, expected) };

        private static bool IsEqual(object actual, object expected)
        {
            if (actual == null || expected == null) return actual == null && expected == null;
            var type = expected.GetType();
            if (actual.GetType() != type) return false;
            if (expected is string text) return string.Equals((string) actual, text);
            if (type.IsPrimitive || type.IsEnum || expected is decimal || expected is DateTime
                || expected is TimeSpan || expected is Guid) return expected.Equals(actual);
            if (expected is DictionaryEntry entry)
            {
                var other = (DictionaryEntry) actual;
                return IsEqual(other.Key, entry.Key) && IsEqual(other.Value, entry.Value);
            }
            if (expected is IDictionary map) return IsEqualInTurn(
                ((IDictionary) actual).GetEnumerator(), map.GetEnumerator());
            if (expected is IEnumerable all && type.Assembly != typeof(CompareLogic).Assembly)
                return IsEqualInTurn(((IEnumerable) actual).GetEnumerator(), all.GetEnumerator());
            if (type.FullName.StartsWith("System.Tuple`") || type.FullName.StartsWith("System.ValueTuple`"))
                return StructuralComparisons.StructuralEqualityComparer.Equals(actual, expected);
            throw new NotSupportedException("a value of " + type + " is no plain data");
        }

        private static bool IsEqualInTurn(IEnumerator actual, IEnumerator expected)
        {
            while (expected.MoveNext())
                if (!actual.MoveNext() || !IsEqual(actual.Current, expected.Current)) return false;
            return !actual.MoveNext();
        }
    }
}
