// Three small examples to profile: indexer words | sort | templates. Each works for some tenths of a second.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#define KEPT __attribute__((noinline))  // so that profiles show the function

namespace indexer {

constexpr int rounds = 4;

// Each step waits for the one before, over all words: twice as many rounds take twice as long.
KEPT std::uint64_t hash_word(const char* word, std::size_t length, std::uint64_t hash) {
    for (std::size_t i = 0; i < length; ++i)
        for (int round = 0; round < rounds; ++round) {
            hash ^= static_cast<unsigned char>(word[i]);
            hash *= 1099511628211u;
        }
    return hash;
}

struct Chance {
    std::uint64_t state = 42;
    std::uint32_t operator()() {
        state = state * 6364136223846793005u + 1442695040888963407u;
        return static_cast<std::uint32_t>(state >> 33);
    }
};

KEPT std::string make_text(std::size_t words) {
    Chance chance;
    std::string text;
    for (std::size_t i = 0; i < words; ++i) {
        std::uint32_t number = chance() % 5000;
        for (int letter = 0; letter < 12; ++letter) text += static_cast<char>('a' + (number >> letter) % 26);
        text += ' ';
    }
    return text;
}

KEPT std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> words;
    std::size_t start = 0;
    for (std::size_t end; (end = text.find(' ', start)) != std::string::npos; start = end + 1)
        words.push_back(text.substr(start, end - start));
    return words;
}

KEPT std::uint64_t count_words(const std::vector<std::string>& words) {
    std::vector<std::uint32_t> counts(1 << 12);
    std::uint64_t hash = 0;
    for (const std::string& word : words) {
        hash = hash_word(word.data(), word.size(), hash);
        ++counts[hash & (counts.size() - 1)];
    }
    return *std::max_element(counts.begin(), counts.end());
}

std::uint64_t words() {
    const std::string text = make_text(40000);
    std::uint64_t most = 0;
    for (int pass = 0; pass < 90; ++pass) most += count_words(split(text));
    return most;
}

KEPT std::uint64_t shuffle_and_sort(std::vector<std::uint32_t>& numbers, Chance& chance) {
    for (std::size_t i = numbers.size(); i > 1; --i) std::swap(numbers[i - 1], numbers[chance() % i]);
    std::sort(numbers.begin(), numbers.end());
    return numbers[numbers.size() / 2];
}

std::uint64_t sort() {
    Chance chance;
    std::vector<std::uint32_t> numbers(50000);
    for (std::uint32_t& number : numbers) number = chance();
    std::uint64_t middles = 0;
    for (int pass = 0; pass < 150; ++pass) middles += shuffle_and_sort(numbers, chance);
    return middles;
}

template <typename Number>
KEPT Number smooth(std::vector<Number>& values) {
    for (std::size_t i = 1; i + 1 < values.size(); ++i) values[i] = (values[i - 1] + 2 * values[i] + values[i + 1]) / 4;
    return values[values.size() / 2];
}

std::uint64_t templates() {
    std::vector<double> reals(100000, 1.5);
    std::vector<std::int64_t> wholes(100000, 7);
    std::uint64_t sum = 0;
    for (int pass = 0; pass < 800; ++pass) sum += static_cast<std::uint64_t>(smooth(reals)) + smooth(wholes);
    const std::string text = make_text(20000);
    for (int pass = 0; pass < 40; ++pass) sum += hash_word(text.data(), text.size(), sum);
    return sum;
}

}  // namespace indexer

int main(int count, char** arguments) {
    const char* example = count > 1 ? arguments[1] : "";
    std::uint64_t result = 0;
    if (!std::strcmp(example, "words")) result = indexer::words();
    else if (!std::strcmp(example, "sort")) result = indexer::sort();
    else if (!std::strcmp(example, "templates")) result = indexer::templates();
    else return std::fputs("usage: indexer words|sort|templates\n", stderr), 2;
    std::printf("%llu\n", static_cast<unsigned long long>(result));
}
